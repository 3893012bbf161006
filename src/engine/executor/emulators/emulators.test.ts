import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startSpawner } from "../../../base/process/mod.ts";
import { currentPlatform, formatPlatform, parsePlatform } from "../../../oci/mod.ts";
import { architectures } from "./architectures.ts";
import { entryFor, parseBinfmtEntry, registration } from "./binfmt.ts";
import { amd64Variants } from "./cpu-level.ts";
import { elfMagic, exitProgram, isStaticExecutable } from "./elf.ts";
import { Emulators } from "./emulators.ts";
import { installedEmulators } from "./qemu.ts";

const directory = mkdtempSync(join(tmpdir(), "emulators-"));
const spawner = await startSpawner();
after(async () => {
  await spawner[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});
const path = process.env["PATH"] ?? "";

for (const architecture of architectures) {
  const [emulator] = installedEmulators([architecture], path);
  test(`the test program of ${architecture.name} exits with 0 in its emulator`, {
    skip: emulator ? false : `qemu-${architecture.qemu} is not installed`,
  }, () => {
    const program = join(directory, architecture.name);
    writeFileSync(program, exitProgram(architecture), { mode: 0o755 });
    const { status, signal, stderr } = spawnSync(emulator?.path ?? "", [program], { encoding: "utf8" });
    assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: "" });
  });
}

test("elfMagic() gives what is documented for arm64", () => {
  const arm64 = architectures.find(({ name }) => name === "arm64") ?? assert.fail();
  const { magic, mask } = elfMagic(arm64.elf);
  assert.equal(Buffer.from(magic).toString("hex"), "7f454c460201010000000000000000000200b700");
  assert.equal(Buffer.from(mask).toString("hex"), "ffffffffffffff00fffffffffffffffffeffffff");
});

test("each architecture is recognised by its own registration alone", () => {
  const entries = architectures.map((architecture) => {
    const [, , , , magic = "", mask = ""] = registration(architecture, "/qemu").split(":");
    const hex = (text: string) => text.replaceAll("\\x", "");
    return (
      parseBinfmtEntry(
        `enabled\ninterpreter /${architecture.name}\nflags: POCF\noffset 0\nmagic ${hex(magic)}\nmask ${hex(mask)}\n`,
      ) ?? assert.fail()
    );
  });
  for (const architecture of architectures)
    assert.equal(entryFor(architecture, entries)?.interpreter, `/${architecture.name}`);
});

test("disabled registrations, and those by file extension, are none", () => {
  const arm64 = architectures.find(({ name }) => name === "arm64") ?? assert.fail();
  const text = "disabled\ninterpreter /q\nflags: F\noffset 0\nmagic 7f454c46\n";
  assert.equal(entryFor(arm64, [parseBinfmtEntry(text) ?? assert.fail()]), undefined);
  assert.equal(
    entryFor(arm64, [parseBinfmtEntry(text.replace("disabled", "enabled")) ?? assert.fail()])?.interpreter,
    "/q",
  );
  assert.equal(parseBinfmtEntry("enabled\ninterpreter /usr/bin/java\nflags: \nextension .jar\n"), undefined);
});

test("amd64Variants() counts the levels of x86-64", () => {
  const v2 = "cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3";
  const v3 = "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave";
  assert.deepEqual(amd64Variants("flags\t\t: fpu vme\n"), []);
  assert.deepEqual(amd64Variants(`flags\t\t: fpu ${v2}\n`), ["v2"]);
  assert.deepEqual(amd64Variants(`flags\t\t: ${v3} ${v2}\n`), ["v2", "v3"]);
  assert.deepEqual(amd64Variants(`flags\t\t: ${v3}\n`), []);
  assert.deepEqual(amd64Variants(""), []);
});

test("isStaticExecutable() tells static programs from dynamic ones and from scripts", () => {
  assert.equal(isStaticExecutable("/bin/sh"), false);
  writeFileSync(join(directory, "script"), "#!/bin/sh\n".padEnd(100));
  assert.equal(isStaticExecutable(join(directory, "script")), false);
});

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
