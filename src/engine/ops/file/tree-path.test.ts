import assert from "node:assert/strict";
import { test } from "node:test";
import { treeOf } from "../testing/trees.ts";
import { followParent, followPath, relativePath } from "./tree-path.ts";
import { hasWildcards, resolveWildcards } from "./wildcards.ts";

const tree = treeOf({
  "usr/bin/tool": "tool",
  bin: "-> usr/bin",
  "usr/sbin": "-> ../bin",
  up: "-> ../../../etc",
  "etc/passwd": "root",
  absolute: "-> /usr/bin/tool",
  dangling: "-> /no/where",
  circle: "-> circle",
});

test("followPath() follows every link inside the tree", () => {
  const table: [string, string][] = [
    ["/", ""],
    ["", ""],
    ["/usr/bin/tool", "usr/bin/tool"],
    ["bin/tool", "usr/bin/tool"],
    ["/usr/sbin/tool", "usr/bin/tool"],
    ["/up/passwd", "etc/passwd"],
    ["/absolute", "usr/bin/tool"],
    ["/dangling", "no/where"],
    ["/bin/../etc/passwd", "etc/passwd"],
    ["../../etc", "etc"],
    ["/new/and/newer", "new/and/newer"],
  ];
  for (const [path, want] of table) assert.equal(followPath(tree, path), want, path);
});

test("followPath() refuses files on the way, and circles", () => {
  assert.throws(() => followPath(tree, "/etc/passwd/x"), { message: "lstat /etc/passwd/x: not a directory" });
  assert.throws(() => followPath(tree, "/circle"), /too many links/);
});

test("followParent() leaves the last component as it is", () => {
  assert.equal(followParent(tree, "/absolute"), "absolute");
  assert.equal(followParent(tree, "/bin/tool"), "usr/bin/tool");
  assert.equal(followParent(tree, "/"), "");
});

test("relativePath() keeps what climbs in the root", () => {
  assert.equal(relativePath("/../a/./b//c/"), "a/b/c");
});

test("resolveWildcards() matches names component by component", () => {
  const files = treeOf({
    "src/a.c": "",
    "src/b.c": "",
    "src/b.h": "",
    "src/sub/c.c": "",
    "odd/[x]": "",
    link: "-> src",
  });
  const table: [string, string[]][] = [
    ["/src/*.c", ["src/a.c", "src/b.c"]],
    ["src/b.?", ["src/b.c", "src/b.h"]],
    ["s*/[ab].c", ["src/a.c", "src/b.c"]],
    ["*/*/c.c", ["src/sub/c.c"]],
    ["src/*", ["src/a.c", "src/b.c", "src/b.h", "src/sub"]],
    ["nothing*", []],
    ["no/wildcards", ["no/wildcards"]],
    ["odd/\\[x\\]", ["odd/\\[x\\]"]],
  ];
  for (const [pattern, want] of table) {
    assert.deepEqual(resolveWildcards(files, pattern, { followLinks: false }), want, pattern);
  }
  assert.deepEqual(resolveWildcards(files, "link/*.h", { followLinks: true }), ["src/b.h"]);
  assert.deepEqual(resolveWildcards(files, "link/*.h", { followLinks: false }), []);
  assert.throws(() => resolveWildcards(files, "missing/*", { followLinks: false }), {
    message: "lstat /missing: no such file or directory",
  });
});

test("hasWildcards() knows what a backslash protects", () => {
  for (const text of ["*", "a?", "[ab]", "\\\\*", "a/\\*/b*"]) assert.ok(hasWildcards(text), text);
  for (const text of ["", "plain", "\\*", "a\\[b]", "\\\\"]) assert.ok(!hasWildcards(text), text);
});
