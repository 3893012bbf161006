import assert from "node:assert/strict";
import { test } from "node:test";
import { type Lane, RegistryLanes } from "./lanes.ts";

/** How many requests of `count` get a place when none is given back. */
async function admitted(lanes: RegistryLanes, lane: Lane, host: string, count: number): Promise<number> {
  let inside = 0;
  const { signal } = new AbortController();
  for (let at = 0; at < count; at++) void lanes.acquire(lane, host, { signal }).then(() => inside++);
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  return inside;
}

test("each host gets so many reads, as many writes, and one document more", async () => {
  const lanes = new RegistryLanes(2);
  assert.equal(await admitted(lanes, "read", "a", 9), 2);
  assert.equal(await admitted(lanes, "write", "a", 9), 2);
  assert.equal(await admitted(lanes, "document", "a", 9), 3);
  assert.equal(await admitted(lanes, "read", "b", 9), 2);
  assert.equal(await admitted(new RegistryLanes(), "read", "a", 9), 4);
});
