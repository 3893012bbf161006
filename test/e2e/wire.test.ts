import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { DebianArchive, labPlatforms, must } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();
let buildx = "";
let env: Record<string, string> = {};

before(async () => {
  const architecture = (await must("dpkg", ["--print-architecture"])).trim();
  const trixie = await DebianArchive.open({ suite: "trixie", architectures: [architecture] });
  const unpacked = await trixie.unpack([await trixie.download("docker-buildx", architecture)], "docker-buildx");
  buildx = join(unpacked, "usr/libexec/docker/cli-plugins/docker-buildx");
  env = { ...house.env, BUILDX_CONFIG: await house.directory() };
  await house.build(await house.context({ Dockerfile: "FROM scratch\n" })); // starts the engine
  await must(buildx, ["create", "--name", "ours", "--driver", "remote", `unix://${house.socket}`, "--use"], { env });
});

test("docker buildx, another implementation of the client, finds the engine and its platforms", async () => {
  const told = await must(buildx, ["inspect", "ours"], { env, timeoutMs: 30_000 });
  assert.match(told, /^Status:\s+running$/m);
  for (const { name } of labPlatforms) assert.match(told, new RegExp(`^Platforms:.*${name}\\b`, "m"));
});
