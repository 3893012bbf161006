import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { labPlatforms, must, readIndex, run, unpackDocker } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();
const context = await house.context({
  Dockerfile: `FROM ${house.base}\nARG TARGETPLATFORM\nRUN echo \${TARGETPLATFORM} > /platform\nCOPY words.txt /\n`,
  "words.txt": "words",
});
let buildx = "";
let env: Record<string, string> = {};

/** docker-buildx, another implementation of the client, as a program of its own. */
async function viaBuildx(args: readonly string[]): Promise<string> {
  const done = await run(buildx, args, { env, timeoutMs: 120_000 });
  assert.equal(done.code, 0, done.stderr);
  return done.stdout + done.stderr;
}

before(async () => {
  const { plugins } = await unpackDocker("sid");
  for (const dir of plugins) {
    if (existsSync(join(dir, "docker-buildx"))) buildx = join(dir, "docker-buildx");
  }
  env = { ...house.env, BUILDX_CONFIG: await house.directory(), BUILDX_NO_DEFAULT_ATTESTATIONS: "1" };
  await house.build(context); // starts the engine
  await must(buildx, ["create", "--name", "ours", "--driver", "remote", `unix://${house.socket}`, "--use"], { env });
});

test("docker buildx finds the engine and its platforms", async () => {
  const told = await viaBuildx(["inspect", "ours"]);
  assert.match(told, /^Status:\s+running$/m);
  for (const { name } of labPlatforms) assert.match(told, new RegExp(`^Platforms:.*${name}\\b`, "m"));
});

test("docker buildx builds with it, from a context that it sends", async () => {
  const dest = await house.directory();
  const told = await viaBuildx([
    "build",
    "--progress=plain",
    "--platform=linux/amd64,linux/arm64",
    "-o",
    dest,
    context,
  ]);
  assert.match(told, /transferring context/);
  assert.equal(await readFile(join(dest, "linux_arm64/platform"), "utf8"), "linux/arm64\n");
  assert.equal(await readFile(join(dest, "linux_amd64/words.txt"), "utf8"), "words");
});

test("docker buildx pushes with it", async () => {
  const image = `${house.registry.host}/by-buildx:latest`;
  await viaBuildx(["build", "--progress=plain", "--platform=linux/amd64,linux/s390x", "-t", image, "--push", context]);
  const architectures = (await readIndex(image)).map(({ platform }) => platform.architecture);
  assert.deepEqual(architectures, ["amd64", "s390x"]);
});
