import assert from "node:assert/strict";
import { before, test } from "node:test";
import { labPlatforms, must, unpackBuildx } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();
let buildx = "";
let env: Record<string, string> = {};

before(async () => {
  buildx = await unpackBuildx();
  env = { ...house.env, BUILDX_CONFIG: await house.directory() };
  await house.build(await house.context({ Dockerfile: "FROM scratch\n" })); // starts the engine
  await must(buildx, ["create", "--name", "ours", "--driver", "remote", `unix://${house.socket}`, "--use"], { env });
});

test("docker buildx, another implementation of the client, finds the engine and its platforms", async () => {
  const told = await must(buildx, ["inspect", "ours"], { env, timeoutMs: 30_000 });
  assert.match(told, /^Status:\s+running$/m);
  for (const { name } of labPlatforms) assert.match(told, new RegExp(`^Platforms:.*${name}\\b`, "m"));
});
