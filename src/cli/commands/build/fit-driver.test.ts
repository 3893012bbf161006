import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { PreparedBuild } from "../../../build/mod.ts";
import { buildOptions, noAttestations, noCaches, noInputs } from "../../../build/testing/mod.ts";
import { fitToDriver, wishesForDocker } from "./fit-driver.ts";

const none = { type: "none" } as const;
const all = {
  ociExporter: true,
  dockerExporter: true,
  cacheExport: true,
  attestation: true,
  multiPlatform: true,
  directPush: true,
  preferImageDigest: true,
  defaultLoad: true,
};
const classic = { ...all, ociExporter: false, dockerExporter: false, multiPlatform: false, directPush: false };

function build(outputs: PreparedBuild["outputs"]): PreparedBuild {
  return {
    inputs: noInputs,
    caches: noCaches,
    warnings: [],
    attrs: {},
    outputs,
    entitlements: [],
    secrets: new Map(),
    agents: {},
    attestations: noAttestations,
    cacheOnlyByDefault: false,
  };
}
const image = (attrs: Record<string, string> = {}) => ({ exporter: "image", attrs, target: none });

suite("fitToDriver()", () => {
  test("changes nothing where the engine is an engine of its own", () => {
    const prepared = build([image({ push: "true" })]);
    assert.equal(fitToDriver(prepared, { kind: "remote", features: all, platforms: 3 }), prepared);
  });
  test("gives images to Docker's own store, and prefers those that are there", () => {
    const fitted = fitToDriver(build([image({ name: "x" })]), { kind: "docker", features: classic, platforms: 1 });
    assert.deepEqual(fitted.outputs, [{ exporter: "moby", attrs: { name: "x" }, target: none }]);
    assert.deepEqual(fitted.attrs, { "image-resolve-mode": "local" });
  });
  const tar = { exporter: "oci", attrs: {}, target: { type: "file", path: "/x" } } as const;
  for (const [outputs, platforms, message] of [
    [[], 2, /^Multi-platform build is not supported for the docker driver\.\n/],
    [[tar], 1, /^OCI exporter is not supported for the docker driver\.\n/],
    [[{ ...tar, exporter: "docker" }], 1, /^Docker exporter is not supported for the docker driver\.\n/],
    [
      [image({ push: "", "push-by-digest": "true" })],
      1,
      /^push-by-digest is currently not implemented for docker driver/,
    ],
  ] as const) {
    test(`refuses, in buildx's words: ${message.source}`, () => {
      assert.throws(() => fitToDriver(build(outputs), { kind: "docker", features: classic, platforms }), {
        code: "unimplemented",
        message,
      });
    });
  }
});

suite("wishesForDocker()", () => {
  const wish = (changes: Parameters<typeof buildOptions>[0], defaultLoad = true) => {
    const { outputs, load } = wishesForDocker(buildOptions(changes), { defaultLoad });
    assert.equal(load, false);
    return outputs.map(({ type, dest }) => (dest === undefined ? type : `${type}>${dest}`));
  };
  test("makes an image when nothing else is asked for", () => {
    assert.deepEqual(wish({}), ["image"]);
    assert.deepEqual(wish({}, false), []);
    assert.deepEqual(wish({ push: true }), []);
  });
  test("takes loading for making an image, and leaves archives alone", () => {
    assert.deepEqual(wish({ load: true }, false), ["image"]);
    assert.deepEqual(wish({ outputs: [{ type: "docker", attrs: {} }], load: true }), ["image"]);
    assert.deepEqual(wish({ outputs: [{ type: "docker", attrs: {}, dest: "x.tar" }] }), ["docker>x.tar"]);
  });
});
