import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryTree } from "../testing/mod.ts";
import { findPackages } from "./find-packages.ts";

const { signal } = new AbortController();
const names = Buffer.from("\0.go.buildinfo\0.shstrtab\0");

/** What the linker leaves: the version of Go and the modules, each behind its length. */
function told(version: string, modules: string): Buffer {
  const sized = (text: string) => {
    const bytes = Buffer.from(text, "latin1");
    return Buffer.concat([Buffer.from([(bytes.length & 0x7f) | 0x80, bytes.length >> 7]), bytes]);
  };
  const head = Buffer.alloc(32);
  head.write("\xff Go buildinf:", "latin1");
  head[14] = 8;
  head[15] = 2;
  const mark = "0123456789abcdef";
  return Buffer.concat([head, sized(version), sized(`${mark}${modules}${mark}`)]);
}

/** An ELF program, as large as one of Go's, with that section. */
function program(section: Buffer, is64: boolean): Buffer {
  const sizes = is64 ? { header: 64, entry: 64 } : { header: 52, entry: 40 };
  const bytes = Buffer.alloc(600_000);
  bytes.write("\x7fELF", "latin1");
  bytes[4] = is64 ? 2 : 1;
  bytes[5] = 1;
  const long = (value: number, at: number) =>
    is64 ? bytes.writeBigUInt64LE(BigInt(value), at) : bytes.writeUInt32LE(value, at);
  const [table, text, list] = [1000, 2000, 3000];
  long(table, is64 ? 40 : 32);
  for (const [at, value] of [sizes.entry, 3, 2].entries()) bytes.writeUInt16LE(value, (is64 ? 58 : 46) + at * 2);
  for (const [index, name, offset, size] of [
    [1, 1, text, section.length],
    [2, 15, list, names.length],
  ] as const) {
    const at = table + index * sizes.entry;
    bytes.writeUInt32LE(name, at);
    long(offset, at + (is64 ? 24 : 16));
    long(size, at + (is64 ? 32 : 20));
  }
  section.copy(bytes, text);
  names.copy(bytes, list);
  return bytes;
}

const modules =
  "path\texample.com/tool\nmod\texample.com/tool\t(devel)\t\ndep\tgolang.org/x/sys\tv0.1.0\th1:x=\ndep\told\tv1.0.0\n=>\tnew.example/fork\tv1.0.1\th1:y=\n";

test("modules of programs of Go's", async () => {
  for (const is64 of [true, false]) {
    const tree = memoryTree({ "bin/tool*": program(told("go1.22.1 X:nocoverageredesign", modules), is64) });
    const { packages, unread } = await findPackages(tree, { signal });
    assert.deepEqual(unread, []);
    assert.deepEqual(
      packages.map(({ url, foundIn }) => [url, foundIn]),
      [
        ["pkg:golang/example.com/tool", "bin/tool"],
        ["pkg:golang/golang.org/x/sys@v0.1.0", "bin/tool"],
        ["pkg:golang/new.example/fork@v1.0.1", "bin/tool"],
        ["pkg:golang/stdlib@1.22.1", "bin/tool"],
      ],
    );
  }
});

test("other programs have no modules, nor have broken ones", async () => {
  const whole = program(told("go1.22.1", modules), true);
  const old = told("go1.12", modules);
  old[15] = 0;
  const none = {
    "a*": Buffer.alloc(600_000),
    "b*": program(old, true),
    "c*": program(Buffer.alloc(16), true),
    "d*": whole.subarray(0, 600),
    e: whole,
  };
  assert.deepEqual((await findPackages(memoryTree(none), { signal })).packages, []);
  for (let at = 4; at < 64; at++) {
    const bytes = Buffer.from(whole);
    bytes.fill(0xff, at, at + 4);
    await findPackages(memoryTree({ "a*": bytes }), { signal });
  }
});
