import assert from "node:assert/strict";
import { test } from "node:test";
import { suggestion, withSuggestion } from "./mod.ts";

test("suggestion() finds a word at most two edits away", () => {
  assert.equal(suggestion("fron", ["copy", "from"]), "from");
  assert.equal(suggestion("chwon", ["chown", "chmod"]), "chown");
  assert.equal(suggestion("entrypiont", ["entrypoint"]), "entrypoint");
  assert.equal(suggestion("zzz", ["copy", "from"]), undefined);
});

test("suggestion() keeps quiet when the word itself is among the options", () => {
  assert.equal(suggestion("from", ["from", "form"]), undefined);
});

test("suggestion() answers in the case of the question when case does not matter", () => {
  assert.equal(suggestion("FOO", ["FROM", "COPY"], { ignoreCase: true }), "FROM");
  assert.equal(suggestion("rnu", ["RUN"], { ignoreCase: true }), "run");
});

test("withSuggestion() writes it behind the message", () => {
  assert.equal(withSuggestion("unknown flag: --form", "form", ["from"]), "unknown flag: --form (did you mean from?)");
  assert.equal(withSuggestion("unknown flag: --x", "x", ["chown"]), "unknown flag: --x");
});
