import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { withoutLogin } from "./mod.ts";

suite("withoutLogin()", () => {
  for (const [address, want] of [
    ["https://example.org/a@b", "https://example.org/a@b"],
    ["https://user:pass@example.org/a.git#main", "https://xxxxx:xxxxx@example.org/a.git#main"],
    ["https://token@example.org/a", "https://xxxxx@example.org/a"],
    ["https://user:p@ss@example.org/a", "https://xxxxx:xxxxx@example.org/a"],
    ["ssh://git@example.org/a", "ssh://git@example.org/a"],
    ["ssh://git:pass@example.org/a", "ssh://xxxxx:xxxxx@example.org/a"],
    ["git@example.org:a/b", "git@example.org:a/b"],
    ["no address", "no address"],
  ] as const) {
    test(`${address} is shown as ${want}`, () => assert.equal(withoutLogin(address), want));
  }
});
