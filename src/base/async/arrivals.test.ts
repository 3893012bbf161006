import assert from "node:assert/strict";
import test from "node:test";
import { Arrivals } from "./arrivals.ts";

const never = new AbortController().signal;

test("what is there is given at once", async () => {
  const arrivals = new Arrivals<string, number>();
  arrivals.set("a", 1);
  assert.equal(await arrivals.wait("a", { timeoutMs: 0, signal: never }), 1);
});

test("all who wait get what arrives", async () => {
  const arrivals = new Arrivals<string, number>();
  const both = [1, 2].map(() => arrivals.wait("a", { timeoutMs: 60_000, signal: never }));
  arrivals.set("a", 7);
  assert.deepEqual(await Promise.all(both), [7, 7]);
});

test("waiting ends without a value, or with the signal's reason", async () => {
  const arrivals = new Arrivals<string, number>();
  assert.equal(await arrivals.wait("a", { timeoutMs: 1, signal: never }), undefined);
  const controller = new AbortController();
  const waiting = arrivals.wait("a", { timeoutMs: 60_000, signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});

test("what was taken away is waited for again", async () => {
  const arrivals = new Arrivals<string, number>();
  arrivals.set("a", 1);
  arrivals.delete("a");
  assert.equal(await arrivals.wait("a", { timeoutMs: 1, signal: never }), undefined);
});
