import assert from "node:assert/strict";
import test from "node:test";
import { impliedDirectory, type LayerToc, mergeLayers, type TocEntry } from "../snapshots/mod.ts";
import { withoutUntouchedDirectories } from "./untouched-directories.ts";

const directory = (path: string, more: Partial<TocEntry> = {}): TocEntry => ({ ...impliedDirectory(path), ...more });
const file = (path: string): TocEntry => ({ ...impliedDirectory(path), type: "file", mode: 0o644 });
const layer = (entries: readonly TocEntry[], more: Partial<LayerToc> = {}): LayerToc => ({
  entries,
  whiteouts: [],
  opaques: [],
  ...more,
});
const below = mergeLayers([layer([directory("etc"), directory("var"), directory("var/lib"), file("var/lib/old")])]);
const left = (toc: LayerToc) => withoutUntouchedDirectories(toc, below).entries.map(({ path }) => path);

test("a directory that was only copied up is left out, whatever its time", () => {
  assert.deepEqual(left(layer([directory("etc", { mtimeSec: 5 }), directory("var"), directory("var/lib")])), []);
});

test("a directory whose mode, owner or attributes changed stays", () => {
  assert.deepEqual(left(layer([directory("etc", { mode: 0o700 })])), ["etc"]);
  assert.deepEqual(left(layer([directory("etc", { uid: 3 })])), ["etc"]);
  assert.deepEqual(left(layer([directory("etc", { xattrs: { "user.a": new Uint8Array([1]) } })])), ["etc"]);
});

test("directories above a change stay", () => {
  assert.deepEqual(left(layer([directory("etc"), directory("var"), directory("var/lib"), file("var/lib/new")])), [
    "var",
    "var/lib",
    "var/lib/new",
  ]);
  assert.deepEqual(left(layer([directory("var"), directory("var/lib")], { whiteouts: ["var/lib/old"] })), [
    "var",
    "var/lib",
  ]);
  assert.deepEqual(left(layer([directory("var"), directory("var/lib")], { opaques: ["var/lib"] })), ["var", "var/lib"]);
});

test("a directory that takes the place of a file, or is new, stays", () => {
  assert.deepEqual(left(layer([directory("new"), directory("var"), directory("var/lib"), directory("var/lib/old")])), [
    "new",
    "var",
    "var/lib",
    "var/lib/old",
  ]);
});
