import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { compileFilter } from "./compile.ts";
import { defaultFilter } from "./mod.ts";
import { conditions } from "./profile.ts";
import { allowedCalls, architectures, type SyscallArchitecture } from "./syscall-table.ts";

const audit: Record<SyscallArchitecture, number> = {
  x86_64: 0xc000003e,
  i386: 0x40000003,
  aarch64: 0xc00000b7,
  arm: 0x40000028,
};
const everywhere = compileFilter(architectures);

/** Runs the program as the kernel would. */
function verdict(program: Uint8Array, architecture: number, number: number, argument = 0): string {
  const view = Buffer.from(program);
  const data = new Map([
    [0, number],
    [4, architecture],
    [16, argument],
  ]);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const code = view.readUInt16LE(at * 8);
    const [ifTrue, ifFalse, value] = [
      view.readUInt8(at * 8 + 2),
      view.readUInt8(at * 8 + 3),
      view.readUInt32LE(at * 8 + 4),
    ];
    if (code === 0x20) accumulator = data.get(value) ?? assert.fail(`load from ${value}`);
    else if (code === 0x54) accumulator = (accumulator & value) >>> 0;
    else if (code === 0x05) at += value;
    else if (code === 0x15) at += accumulator === value ? ifTrue : ifFalse;
    else if (code === 0x35) at += accumulator >= value ? ifTrue : ifFalse;
    else if (code === 0x06) return value === 0x7fff0000 ? "allow" : `errno ${value & 0xffff}`;
    else assert.fail(`instruction ${code}`);
  }
}

test("every call of the table is allowed, and every other one refused, on each architecture", () => {
  for (const architecture of architectures) {
    const calls = allowedCalls(architecture);
    assert.ok(calls.size > 250);
    for (let number = 0; number < 600; number++) {
      const name = calls.get(number);
      if (name !== undefined && name in conditions) continue;
      const want = name !== undefined ? "allow" : number > 456 ? "errno 38" : "errno 1";
      assert.equal(verdict(everywhere, audit[architecture], number), want, `${architecture} ${number} ${name}`);
    }
  }
});

test("calls with conditions are judged by their first argument", () => {
  for (const [name, argument, want] of [
    ["clone", 0x11, "allow"],
    ["clone", 0x1000_0011, "errno 1"],
    ["clone", 0x0002_0000, "errno 1"],
    ["clone3", 0, "errno 38"],
    ["socket", 2, "allow"],
    ["socket", 40, "errno 1"],
    ["personality", 0, "allow"],
    ["personality", 0xffff_ffff, "allow"],
    ["personality", 0x2_0008, "allow"],
    ["personality", 0x4_0000, "errno 1"],
  ] as const) {
    for (const architecture of architectures) {
      for (const [number, called] of allowedCalls(architecture)) {
        if (called === name)
          assert.equal(
            verdict(everywhere, audit[architecture], number, argument),
            want,
            `${architecture} ${name} ${argument}`,
          );
      }
    }
  }
});

test("architectures that the host does not run, and x32 calls, find no call at all", () => {
  const program = compileFilter(["x86_64", "i386"]);
  assert.equal(verdict(program, audit.aarch64, 64), "errno 38");
  assert.equal(verdict(program, audit.x86_64, 0x4000_0000), "errno 38");
});

test("privileged calls are not in the table", () => {
  const names = new Set(allowedCalls("x86_64").values());
  for (const name of [
    "mount",
    "umount2",
    "setns",
    "unshare",
    "bpf",
    "kexec_load",
    "init_module",
    "keyctl",
    "add_key",
    "reboot",
    "pivot_root",
    "io_uring_setup",
    "open_by_handle_at",
  ]) {
    assert.ok(!names.has(name), name);
  }
});

test("the program stays within the kernel's limit and a config's comfort", () => {
  const filter = defaultFilter("x64") ?? assert.fail();
  assert.ok(Buffer.from(filter.program, "base64").length / 8 < 4096);
  assert.equal(defaultFilter("mips"), undefined);
});

const headers = [
  ["x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"],
  ["i386", "/usr/include/x86_64-linux-gnu/asm/unistd_32.h"],
] as const;
for (const [architecture, header] of headers) {
  test(`the numbers for ${architecture} are those of the kernel's header`, {
    skip: existsSync(header) ? false : `${header} is not installed`,
  }, () => {
    const known = new Map(
      [...readFileSync(header, "utf8").matchAll(/^#define __NR_(\w+) (\d+)$/gm)].map(([, name = "", number]) => [
        name,
        Number(number),
      ]),
    );
    for (const [number, name] of allowedCalls(architecture)) {
      if (known.has(name)) assert.equal(number, known.get(name), name);
      else assert.ok(number > 449, `${name} is not in the header`);
    }
  });
}
