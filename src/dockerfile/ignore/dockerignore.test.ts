import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDockerignore } from "./dockerignore.ts";
import { ignoredBy } from "./ignored-by.ts";

test("parseDockerignore() cleans patterns and drops comments and blank lines", () => {
  const text = "\uFEFF# comment\n\n  a/b/  \n/rooted\n! /kept/\n #no-comment\n!\r\n/\nx//y/../z\n";
  assert.deepEqual(parseDockerignore(text), ["a/b", "rooted", "!kept", "#no-comment", "!", "/", "x/z"]);
});

test("ignoredBy() names the line that keeps a path out", () => {
  const text = "# comment\n*.md\n\n!README.md\nlogs\nREADME.md\nlogs/x\n";
  assert.deepEqual(ignoredBy(text, "notes.md"), { line: 2, pattern: "*.md" });
  assert.deepEqual(ignoredBy(text, "README.md"), { line: 6, pattern: "README.md" });
  assert.deepEqual(ignoredBy(text, "logs/x"), { line: 5, pattern: "logs" });
  assert.equal(ignoredBy(text, "src/main.c"), undefined);
  assert.equal(ignoredBy("*\n!a", "a"), undefined);
});
