import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDefinition, image, marshal, scratch } from "../../../llb/mod.ts";
import { type ContainerConfig, parsePlatform } from "../../../oci/mod.ts";
import { scannerRun } from "./scanner-run.ts";

const platform = parsePlatform("linux/arm64");
const core = image("docker.io/library/a:1", { platform });
const scanner = (config: ContainerConfig) => ({
  name: "docker.io/library/scanner:1",
  pinned: "docker.io/library/scanner:1@sha256:x",
  platform,
  config: { architecture: "amd64", os: "linux", config, rootfs: { type: "layers" as const, diff_ids: [] } },
});
const usual = { title: "linux/arm64", parameters: {}, ignoreCache: false };

function stepOf(...[image, targets, options]: Parameters<typeof scannerRun>) {
  const { ops, result } = decodeDefinition(marshal(scannerRun(image, targets, options)));
  const step = result && ops.get(result.digest);
  assert.ok(step?.op.op.case === "exec");
  return { step, output: result?.index, exec: step.op.op.value };
}

test("scannerRun() shows the trees to the scanner, and takes what it writes", () => {
  const extras = new Map([
    ["tools", scratch],
    ["context", core],
  ]);
  const { step, output, exec } = stepOf(scanner({ Cmd: ["/scan"] }), { core, extras }, usual);
  assert.equal(step.name, "[linux/arm64] generating sbom using docker.io/library/scanner:1");
  assert.equal(output, 1);
  assert.deepEqual(step.platform, platform);
  const mounts = exec.mounts.map(({ dest, input, output, readonly }) => [dest, input, output, readonly]);
  assert.deepEqual(mounts, [
    ["/", 0n, 0n, false],
    ["/run/out/", -1n, 1n, false],
    ["/run/src/core/sbom", 1n, -1n, true],
    ["/run/src/extras/sbom-context", 1n, -1n, true],
    ["/run/src/extras/sbom-tools", -1n, -1n, true],
    ["/tmp", -1n, -1n, false],
  ]);
});

test("scannerRun() runs what the image says, with its variables and those of the protocol", () => {
  const config = {
    Entrypoint: ["/scan", "a"],
    Cmd: ["b"],
    Env: ["A=1=2", "B", "BUILDKIT_SCAN_X=0"],
    WorkingDir: "work",
  };
  const options = { ...usual, parameters: { Y: "y,z", X: "1" }, ignoreCache: true };
  const { step, exec } = stepOf(scanner({ ...config, User: "nobody" }), { core, extras: new Map() }, options);
  assert.equal(step.metadata?.ignoreCache, true);
  const { args, env, cwd, user } = exec.meta ?? {};
  assert.deepEqual({ args, cwd, user }, { args: ["/scan", "a", "b"], cwd: "/work", user: "" });
  assert.deepEqual(env, [
    "A=1=2",
    "B=",
    "BUILDKIT_SCAN_DESTINATION=/run/out/",
    "BUILDKIT_SCAN_SOURCE=/run/src/core/sbom",
    "BUILDKIT_SCAN_X=1",
    "BUILDKIT_SCAN_Y=y,z",
  ]);
});

test("scannerRun() sets the variable of other trees only where there are any", () => {
  const { exec } = stepOf(scanner({ Cmd: ["/scan"] }), { core, extras: new Map([["x", core]]) }, usual);
  assert.ok(exec.meta?.env.includes("BUILDKIT_SCAN_SOURCE_EXTRAS=/run/src/extras"));
});

test("scannerRun() refuses an image that has nothing to run", () => {
  assert.throws(() => scannerRun(scanner({}), { core, extras: new Map() }, usual), {
    message: "scanner docker.io/library/scanner:1 does not have cmd",
  });
});
