import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDockerignore } from "./dockerignore.ts";

test("parseDockerignore() cleans patterns and drops comments and blank lines", () => {
  const text = "\uFEFF# comment\n\n  a/b/  \n/rooted\n! /kept/\n #no-comment\n!\r\n/\nx//y/../z\n";
  assert.deepEqual(parseDockerignore(text), ["a/b", "rooted", "!kept", "#no-comment", "!", "/", "x/z"]);
});
