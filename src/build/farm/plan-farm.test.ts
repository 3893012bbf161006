import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { formatReference, parsePlatform } from "../../oci/mod.ts";
import type { PlannedOutput } from "../outputs/plan-outputs.ts";
import type { PreparedBuild } from "../prepare-build.ts";
import { noAttestations, noCaches, noInputs } from "../testing/mod.ts";
import { planFarm, shareOf } from "./plan-farm.ts";

const image = (attrs: Record<string, string>): PlannedOutput => ({
  exporter: "image",
  attrs,
  target: { type: "none" },
});
const local: PlannedOutput = {
  exporter: "local",
  attrs: {},
  target: { type: "directory", path: "/out", mode: "copy" },
};

function build(outputs: readonly PlannedOutput[]): PreparedBuild {
  const attrs = { filename: "Dockerfile", platform: "linux/amd64,linux/arm64" };
  return {
    inputs: noInputs,
    caches: noCaches,
    warnings: [],
    attrs,
    outputs,
    entitlements: [],
    secrets: new Map(),
    agents: {},
    attestations: noAttestations,
    cacheOnlyByDefault: false,
  };
}

suite("planFarm()", () => {
  test("has images pushed by digest, to each repository once, behind all other outputs", () => {
    const name = "example.org/a:1,example.org/a:2,example.org/b:1";
    const { outputs, pushed } = planFarm(build([image({ name, push: "true", compression: "zstd" }), local]));
    assert.deepEqual(outputs, [
      local,
      image({ name: "example.org/a,example.org/b", push: "true", compression: "zstd", "push-by-digest": "true" }),
    ]);
    assert.deepEqual(pushed?.targets.map(formatReference), name.split(","));
    assert.equal(pushed?.byDigest, false);
    assert.equal(pushed?.insecure, false);
  });

  test("takes several pushes of the same image for one", () => {
    const { outputs, pushed } = planFarm(
      build([image({ name: "example.org/a:1", push: "true" }), image({ name: "example.org/b:1", push: "true" })]),
    );
    assert.equal(outputs.length, 1);
    assert.deepEqual(pushed?.targets.map(formatReference), ["example.org/a:1", "example.org/b:1"]);
  });

  test("keeps annotations of the index for the client, and leaves those of manifests to the nodes", () => {
    const { outputs, pushed } = planFarm(
      build([
        image({
          name: "example.org/a:1",
          push: "",
          "registry.insecure": "true",
          "annotation.m": "1",
          "annotation-index.i": "2",
          "annotation-manifest-descriptor[linux/arm64].d": "3",
        }),
      ]),
    );
    assert.deepEqual(Object.keys(outputs[0]?.attrs ?? {}).toSorted(), [
      "annotation.m",
      "name",
      "push",
      "push-by-digest",
      "registry.insecure",
    ]);
    assert.deepEqual(pushed?.annotations, [
      { target: "index", key: "i", value: "2" },
      { target: "manifest-descriptor", platform: parsePlatform("linux/arm64"), key: "d", value: "3" },
    ]);
    assert.equal(pushed?.insecure, true);
  });

  test("leaves images that nobody pushes, and directories, as they are", () => {
    const outputs = [image({ name: "example.org/a:1" }), image({ push: "false" }), local];
    assert.deepEqual(planFarm(build(outputs)), { outputs });
  });

  const archive = (exporter: string): PlannedOutput => ({ exporter, attrs: {}, target: { type: "stdout" } });
  for (const type of ["oci", "tar", "docker"]) {
    test(`refuses ${type} with docker buildx's words`, () => {
      assert.throws(() => planFarm(build([archive(type)])), {
        code: "unimplemented",
        message: `${type} for multi-node builds currently not supported`,
      });
    });
  }

  test("refuses to push images that differ in more than their names", () => {
    const outputs = [
      image({ name: "example.org/a:1", push: "true" }),
      image({ name: "example.org/b:1", push: "true", compression: "zstd" }),
    ];
    assert.throws(() => planFarm(build(outputs)), /several images with different options/);
  });
});

test("shareOf() asks a node for its platforms, as parts of something larger", () => {
  const whole = build([local]);
  assert.deepEqual(shareOf(whole, planFarm(whole), [parsePlatform("linux/arm64")]).attrs, {
    filename: "Dockerfile",
    platform: "linux/arm64",
    "multi-platform": "true",
  });
});
