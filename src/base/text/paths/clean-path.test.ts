import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanPath, joinPath } from "./mod.ts";

test("cleanPath() gives the shortest equivalent path", () => {
  const table: [string, string][] = [
    ["", "."],
    [".", "."],
    ["./", "."],
    ["/", "/"],
    ["//a//b/", "/a/b"],
    ["a/./b/../c", "a/c"],
    ["../a", "../a"],
    ["a/../../b", "../b"],
    ["/../a", "/a"],
    ["../..", "../.."],
  ];
  for (const [input, want] of table) assert.equal(cleanPath(input), want, input);
});

test("joinPath() ignores empty parts", () => {
  assert.equal(joinPath("/a", "b/", "../c"), "/a/c");
  assert.equal(joinPath("", "b"), "b");
  assert.equal(joinPath("", ""), "");
});
