import assert from "node:assert/strict";
import { test } from "node:test";
import { describeEntries, describePlan, entryOf, treeOf } from "../testing/trees.ts";
import { Draft } from "./draft.ts";

test("an untouched draft is its base, and plans nothing", () => {
  const draft = new Draft(treeOf({ "a/b": "text" }));
  assert.ok(draft.untouched);
  assert.deepEqual(describeEntries(draft.walk("")), ["a/ 755", 'a/b 644 "text"']);
  assert.deepEqual(describePlan(draft.plan()), []);
});

test("changes are seen at once, and planned with the directories on the way as they are", () => {
  const draft = new Draft(treeOf({ "a/": { mode: 0o700, uid: 7 }, "a/old": "old", "z/other": "" }));
  draft.put(entryOf("a/new", "new"));
  draft.put(entryOf("a-b", "beside"));
  assert.deepEqual(draft.children("a"), ["new", "old"]);
  assert.deepEqual(describePlan(draft.plan()), ["a/ 700 7:0", 'a/new 644 "new"', 'a-b 644 "beside"']);
});

test("what is removed is whited out, once, and only where the base had it", () => {
  const draft = new Draft(treeOf({ "a/b/c": "", "a/d": "", e: "" }));
  draft.put(entryOf("mine", ""));
  draft.remove("mine");
  draft.remove("a/b/c");
  draft.remove("a/b");
  draft.remove("e");
  assert.equal(draft.get("a/b/c"), undefined);
  assert.deepEqual(draft.children("a"), ["d"]);
  assert.deepEqual(describePlan(draft.plan()), ["a/ 755", "- a/b", "- e"]);
});

test("a directory made anew where one was removed is opaque", () => {
  const draft = new Draft(treeOf({ "a/old": "", "b/old": "", c: "file" }));
  draft.remove("a");
  draft.put(entryOf("a/", ""));
  draft.put(entryOf("a/new", "new"));
  draft.put(entryOf("b", "now a file"));
  draft.put(entryOf("c/", ""));
  assert.deepEqual(draft.children("a"), ["new"]);
  assert.deepEqual(describePlan(draft.plan()), ["a/ 755", 'a/new 644 "new"', 'b 644 "now a file"', "c/ 755", "! a"]);
});

test("a directory put over a directory keeps what is in it", () => {
  const draft = new Draft(treeOf({ "a/old": "old" }));
  draft.put(entryOf("a/", { mode: 0o700 }));
  assert.deepEqual(describeEntries(draft.walk("")), ["a/ 700", 'a/old 644 "old"']);
});

test("of the names of one file that are left, the first is the file", () => {
  const draft = new Draft(treeOf());
  const link = {};
  for (const name of ["a", "b", "c"]) draft.put(entryOf(name, "same"), { link });
  draft.remove("a");
  assert.deepEqual(describePlan(draft.plan()), ['b 644 "same"', "c 644 = b"]);
});

test("more entries than any image has are refused", () => {
  const draft = new Draft(treeOf({ a: "", b: "", c: "" }), 2);
  for (const path of ["d", "e", "e"]) draft.put(entryOf(path, "text"));
  assert.throws(() => draft.put(entryOf("f", "text")), {
    code: "resource_exhausted",
    message: "a step makes more than 2 files and directories: make them in several",
  });
});
