import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { FileStat, FileType } from "./mod.ts";
import { decodeMode, decodeStat, encodeMode, encodeStat } from "./wire-stat.ts";

suite("modes", () => {
  const cases: readonly (readonly [FileType, number, number])[] = [
    ["file", 0o644, 0o644],
    ["dir", 0o755, 0x80000000 + 0o755],
    ["dir", 0o1777, 0x80000000 + 0x100000 + 0o777],
    ["file", 0o4755, 0x800000 + 0o755],
    ["file", 0o2755, 0x400000 + 0o755],
    ["symlink", 0o777, 0x8000000 + 0o777],
    ["block", 0o600, 0x4000000 + 0o600],
    ["char", 0o600, 0x4000000 + 0x200000 + 0o600],
    ["fifo", 0o600, 0x2000000 + 0o600],
  ];
  for (const [type, mode, wire] of cases) {
    test(`${type} 0${mode.toString(8)} is 0x${wire.toString(16)}, as Go has it`, () => {
      assert.equal(encodeMode(type, mode), wire);
      assert.deepEqual(decodeMode(wire), { type, mode });
    });
  }
  test("a socket is sent as an empty file", () => assert.equal(encodeMode("socket", 0o755), 0o755));
  test("an irregular file is nothing that a tree can hold", () => assert.equal(decodeMode(1 << 19), undefined));
});

suite("stats", () => {
  const plain = { mode: 0o644, uid: 1, gid: 2, size: 0, mtimeSec: 1_700_000_000, mtimeNsec: 999_999_999 };
  const cases: readonly FileStat[] = [
    { ...plain, path: "f", type: "file", size: 5_000_000_000 },
    { ...plain, path: "f", type: "file", mtimeSec: -1, mtimeNsec: 1 },
    { ...plain, path: "h", type: "file", size: 3, hardlink: "f" },
    { ...plain, path: "l", type: "symlink", mode: 0o777, linkname: "zïel" },
    { ...plain, path: "d", type: "char", devMajor: 1, devMinor: 3 },
    { ...plain, path: "x", type: "dir", xattrs: { "user.a": Uint8Array.of(0, 255) } },
  ];
  for (const stat of cases) {
    test(`${JSON.stringify({ ...stat, xattrs: undefined })} comes back as it was`, () => {
      assert.deepEqual(decodeStat(encodeStat(stat)), stat);
    });
  }
  test("a symlink's size is the length of its target, which readers of images see", () => {
    assert.equal(encodeStat({ ...plain, path: "l", type: "symlink", linkname: "zïel" }).size, 5n);
  });
});
