import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startSpawner } from "../../../base/process/mod.ts";
import { architectures, installedEmulators } from "../../../binfmt/mod.ts";
import { currentPlatform, formatPlatform, parsePlatform } from "../../../oci/mod.ts";
import { Emulators } from "./emulators.ts";

const directory = mkdtempSync(join(tmpdir(), "emulators-"));
const spawner = await startSpawner();
after(async () => {
  await spawner[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});
const path = process.env["PATH"] ?? "";

const root = process.getuid?.() === 0;

test("platforms() begins with the native one and leaves the machine's registrations alone", {
  skip: !root,
}, async () => {
  const before = readdirSync("/proc/sys/fs/binfmt_misc");
  await using emulators = new Emulators({ directory: join(directory, "a"), spawner, path, machineEmulators: false });
  const platforms = await emulators.platforms();
  assert.deepEqual(platforms[0], { platform: currentPlatform(), how: "native" });
  assert.equal(new Set(platforms.map(({ platform }) => formatPlatform(platform))).size, platforms.length);
  const names = platforms.map(({ platform }) => formatPlatform(platform));
  for (const { architecture } of installedEmulators(architectures, path)) {
    assert.ok(
      names.some((name) => name.startsWith(`linux/${architecture.name}`)),
      `${architecture.name} of ${names.join()}`,
    );
  }
  assert.deepEqual(
    readdirSync("/proc/sys/fs/binfmt_misc").filter((name) => name.startsWith("polyarch")),
    before.filter((name) => name.startsWith("polyarch")),
  );
});

test("plan() explains what is missing, for which platform, and what helps", async () => {
  await using emulators = new Emulators({ directory: join(directory, "b"), spawner, path, machineEmulators: false });
  await assert.rejects(emulators.plan(parsePlatform("linux/m68k")), {
    code: "failed_precondition",
    message: /^exec format error: .*linux\/m68k.*linux\/(amd64|arm64)/,
  });
  await assert.rejects(emulators.plan(parsePlatform("windows/amd64")), {
    code: "failed_precondition",
    message: /windows\/amd64/,
  });
});

test("plan() of the native platform probes nothing", async () => {
  await using emulators = new Emulators({ directory: join(directory, "c"), spawner, path, machineEmulators: false });
  assert.deepEqual(await emulators.plan(currentPlatform()), { how: "native", userNamespace: undefined });
  assert.deepEqual(readdirSync(join(directory, "c")), []);
});

test("a holder ends with its owner", { skip: !root }, async () => {
  const emulators = new Emulators({ directory: join(directory, "d"), spawner, path, machineEmulators: false });
  const platforms = await emulators.platforms();
  const foreign = platforms.find(({ how }) => how === "private");
  if (foreign) {
    const { userNamespace = "" } = await emulators.plan(foreign.platform);
    const pid = userNamespace.split("/")[2];
    assert.equal(readFileSync(`/proc/${pid}/uid_map`, "utf8").trim().split(/\s+/).join(" "), "0 0 4294967295");
    await emulators[Symbol.asyncDispose]();
    assert.throws(() => readFileSync(`/proc/${pid}/uid_map`));
  }
});
