import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultPolicy, pruneRule } from "../engine/worker/mod.ts";
import { gcPolicy } from "./gc-policy.ts";

const disk = 100 * 2 ** 30;
const usual = { enabled: true, bounds: undefined, rules: undefined };

test("gcPolicy() leaves to the engine what nobody has set, and can be turned off", () => {
  assert.equal(gcPolicy(usual, disk), undefined);
  assert.deepEqual(gcPolicy({ ...usual, enabled: false }, disk), []);
});

test("gcPolicy() puts set bounds in place of all three of the usual ones", () => {
  const bounds = { reserved: { bytes: 5 }, maxUsed: { percent: 50 }, minFree: undefined };
  const [cheap, ...rest] = gcPolicy({ ...usual, bounds }, disk) ?? [];
  assert.deepEqual(cheap, defaultPolicy(disk)[0]);
  assert.equal(rest.length, 3);
  for (const rule of rest) {
    assert.deepEqual([rule.reservedBytes, rule.maxUsedBytes, rule.minFreeBytes], [5, 51e9, 0]);
  }
});

test("gcPolicy() takes rules of one's own in place of the usual ones", () => {
  const rule = { all: true, filters: ["type==regular"], keepDurationMs: 7 };
  const bounds = { reserved: undefined, maxUsed: { bytes: 9 }, minFree: { percent: 1 } };
  const bytes = { maxUsedBytes: 9, minFreeBytes: 2e9 };
  assert.deepEqual(gcPolicy({ ...usual, rules: [{ ...rule, ...bounds }] }, disk), [pruneRule({ ...rule, ...bytes })]);
});
