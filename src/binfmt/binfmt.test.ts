import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  amd64Variants,
  architectures,
  elfMagic,
  entryFor,
  exitProgram,
  installedEmulators,
  isStaticExecutable,
  parseBinfmtEntry,
  readElfHeader,
  registration,
  supportedPlatforms,
  toInstall,
  toUninstall,
} from "./mod.ts";

const directory = mkdtempSync(join(tmpdir(), "binfmt-"));
after(() => rmSync(directory, { recursive: true }));
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

test("readElfHeader() tells every architecture's programs apart, and what starts this one", () => {
  for (const architecture of architectures) {
    const header = readElfHeader(exitProgram(architecture));
    assert.deepEqual(header, { architecture: architecture.name, interpreter: undefined });
  }
  const own = readElfHeader(readFileSync(process.execPath).subarray(0, 4096));
  assert.match(own?.interpreter ?? "", /^\/lib.*\/ld-linux/);
  for (const other of [
    Buffer.alloc(0),
    Buffer.from("#!/bin/sh\n"),
    exitProgram(architectures[0] ?? assert.fail()).subarray(0, 30),
  ]) {
    assert.equal(readElfHeader(other), undefined);
  }
});

test("elfMagic() gives what is documented for arm64", () => {
  const arm64 = architectures.find(({ name }) => name === "arm64") ?? assert.fail();
  const { magic, mask } = elfMagic(arm64.elf);
  assert.equal(Buffer.from(magic).toString("hex"), "7f454c460201010000000000000000000200b700");
  assert.equal(Buffer.from(mask).toString("hex"), "ffffffffffffff00fffffffffffffffffeffffff");
});

test("each architecture is recognised by its own registration alone", () => {
  const entries = architectures.map((architecture) => {
    const [, , , , magic = "", mask = ""] = registration(architecture, "/qemu", architecture.name).split(":");
    const hex = (text: string) => text.replaceAll("\\x", "");
    return (
      parseBinfmtEntry(
        architecture.name,
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
  assert.equal(entryFor(arm64, [parseBinfmtEntry("q", text) ?? assert.fail()]), undefined);
  assert.equal(
    entryFor(arm64, [parseBinfmtEntry("q", text.replace("disabled", "enabled")) ?? assert.fail()])?.interpreter,
    "/q",
  );
  assert.equal(parseBinfmtEntry("java", "enabled\ninterpreter /usr/bin/java\nflags: \nextension .jar\n"), undefined);
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

test("toInstall() takes architectures and platforms in all spellings, and `all` is what can be and is not yet", () => {
  assert.deepEqual(toInstall("arm64,linux/arm/v7,aarch64,x86_64", [], {}), ["arm64", "arm", "arm64", "amd64"]);
  assert.throws(
    () => toInstall("arm64,nope", [], {}),
    /^BuildError: unsupported architecture: nope: there are amd64, /,
  );
  const all = toInstall("all", ["linux/amd64", "linux/arm64"], process.env);
  assert.equal(all.includes("arm64"), false);
  assert.deepEqual(toInstall("all", [], { QEMU_BINARY_PATH: directory }), []);
});

test("toUninstall() finds registrations by architecture, name and pattern", () => {
  const names = ["qemu-aarch64", "qemu-arm", "python3", "polyarch-aarch64"];
  assert.deepEqual(toUninstall("arm64", names), ["qemu-aarch64", "polyarch-aarch64"]);
  assert.deepEqual(toUninstall("linux/arm/v6,python3", names), ["qemu-arm", "python3"]);
  assert.deepEqual(toUninstall("qemu-*", names), ["qemu-aarch64", "qemu-arm"]);
  assert.deepEqual(toUninstall("riscv64,x.*", names), ["riscv64", "x.*"]);
});

test("supportedPlatforms() begins with the machine's own", async () => {
  const [first = "", ...others] = await supportedPlatforms({ signal: AbortSignal.timeout(600_000) });
  assert.match(first, /^linux\/\w+$/);
  assert.equal(others.includes(first), false);
});
