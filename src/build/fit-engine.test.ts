import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { BuildError } from "../base/errors/mod.ts";
import { fitToEngine } from "./fit-engine.ts";
import type { PreparedBuild } from "./prepare-build.ts";
import { noAttestations, noCaches, noInputs } from "./testing/mod.ts";

const plain: PreparedBuild = {
  inputs: noInputs,
  caches: noCaches,
  warnings: [],
  attrs: { filename: "Dockerfile" },
  outputs: [],
  entitlements: [],
  secrets: new Map(),
  agents: {},
  attestations: noAttestations,
  cacheOnlyByDefault: false,
};
const image = { exporter: "image", attrs: { name: "x" }, target: { type: "none" } } as const;
const knows = (...capabilities: string[]) => ({
  capabilities: () => Promise.resolve(new Set(capabilities)),
  name: () => Promise.resolve("github.com/moby/buildkit"),
});

const notToBeAsked = { capabilities: () => assert.fail("not to be asked"), name: () => assert.fail("not to be asked") };

suite("fitToEngine()", () => {
  test("asks the engine nothing for a build that every engine can do", async () => {
    const fitted = await fitToEngine({ ...plain, outputs: [image] }, notToBeAsked);
    assert.deepEqual(fitted, { build: { ...plain, outputs: [image] }, warnings: [] });
  });
  test("has provenance made where the engine can, and does without where nobody asked for it", async () => {
    const build = { ...plain, outputs: [image], attestations: { ...noAttestations, provenanceByDefault: true } };
    const made = await fitToEngine(build, knows("exporter.image.attestations"));
    assert.equal(made.build.attrs["attest:provenance"], "mode=min,inline-only=true");
    const without = await fitToEngine(build, knows());
    assert.deepEqual([without.build.attrs, without.warnings], [plain.attrs, []]);
    const refuse = () => Promise.reject(new BuildError("unimplemented", "unknown service"));
    assert.deepEqual((await fitToEngine(build, { capabilities: refuse, name: refuse })).build.attrs, plain.attrs);
  });
  test("has our own engine say nothing of an image that nobody has asked for", async () => {
    const build = { ...plain, outputs: [image], attestations: { ...noAttestations, provenanceByDefault: true } };
    const { attrs } = (await fitToEngine(build, { ...notToBeAsked, name: () => Promise.resolve("polyarch") })).build;
    assert.deepEqual(attrs, plain.attrs);
  });
  test("passes on attestations, in the form of old where that is wished for", async () => {
    const attestations = { asked: { sbom: "type=sbom" }, provenanceByDefault: false, withoutArtifact: true };
    const { build } = await fitToEngine(
      { ...plain, outputs: [image], attestations },
      knows("exporter.image.attestations"),
    );
    assert.equal(build.attrs["attest:sbom"], "type=sbom");
    assert.deepEqual(build.outputs[0]?.attrs, { name: "x", "oci-artifact": "false" });
  });
  for (const [what, changes, message] of [
    [
      "attestations",
      { attestations: { ...noAttestations, asked: { sbom: "type=sbom" } } },
      /^Attestations are not supported by the current BuildKit daemon$/,
    ],
    ["several outputs", { outputs: [image, image] }, /^multiple outputs currently unsupported .* v0\.13\+/],
    ["annotations", { outputs: [{ ...image, attrs: { "annotation.a": "1" } }] }, /^annotations are not supported/],
    ["source policies", { sourcePolicy: {} as PreparedBuild["sourcePolicy"] }, /^source policies are not supported/],
  ] as const) {
    test(`refuses ${what} where the engine would pass them over`, async () => {
      await assert.rejects(fitToEngine({ ...plain, ...changes }, knows()), { code: "unimplemented", message });
    });
  }
  test("says which caches and limits the engine passes over, and leaves them out", async () => {
    const [gha, registry] = [
      { type: "gha", attrs: {} },
      { type: "registry", attrs: { ref: "x" } },
    ];
    const caches = { ...noCaches, imports: [gha, registry], exports: [gha] };
    const attrs = { memory: "1", "cache-imports": "stale" };
    const { build, warnings } = await fitToEngine({ ...plain, caches, attrs }, knows());
    assert.deepEqual([build.caches.imports, build.caches.exports], [[registry], []]);
    assert.equal(build.attrs["cache-imports"], JSON.stringify([{ Type: "registry", Attrs: { ref: "x" } }]));
    assert.equal(warnings.length, 2);
    const known = await fitToEngine({ ...plain, caches, attrs }, knows("cache.gha", "exec.meta.linux.resources"));
    assert.deepEqual([known.build.caches.exports, known.warnings], [[gha], []]);
  });
});
