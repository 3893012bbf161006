import assert from "node:assert/strict";
import { test } from "node:test";
import { Semaphore } from "../../../base/async/mod.ts";
import { uploadParts } from "./upload-parts.ts";

/** Chunks of these sizes, which count up from 0; one buffer for all, as chunks may be lent. */
async function* chunks(...sizes: number[]): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.max(...sizes));
  let next = 0;
  for (const size of sizes) {
    const chunk = buffer.subarray(0, size);
    for (let at = 0; at < size; at++) chunk[at] = next++;
    yield chunk;
    buffer.fill(255);
  }
}
const options = (sizeBytes: number, slots = 2) => ({
  sizeBytes,
  partBytes: 4,
  slots: new Semaphore(slots),
  signal: new AbortController().signal,
});

test("uploadParts() cuts where parts end, whatever the chunks, and keeps the order of results", async () => {
  const sent = await uploadParts(chunks(3, 5, 1, 0, 1), options(10), async ({ number, offsetBytes, bytes }) =>
    Promise.resolve([number, offsetBytes, ...bytes]),
  );
  assert.deepEqual(sent, [
    [1, 0, 0, 1, 2, 3],
    [2, 4, 4, 5, 6, 7],
    [3, 8, 8, 9],
  ]);
});

test("uploadParts() holds no more parts than there are slots", async () => {
  const gates: PromiseWithResolvers<void>[] = [];
  const uploading = uploadParts(chunks(20), options(20, 2), async () => {
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
  });
  for (let done = 0; done < 5; done++) {
    while (gates.length <= done) await new Promise(setImmediate);
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    assert.ok(gates.length - done <= 2, `${gates.length - done} at once`);
    gates[done]?.resolve();
  }
  assert.equal((await uploading).length, 5);
});

test("uploadParts() tells the first failure, waits for what is under way, and gives its slots back", async () => {
  const how = options(20, 2);
  let ended = 0;
  const failing = uploadParts(chunks(20), how, async ({ number }, { signal }) => {
    if (number === 2) throw new Error("no more");
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    ended++;
  });
  await assert.rejects(failing, /no more/);
  assert.equal(ended, 1);
  using _first = await how.slots.acquire();
  using _second = await how.slots.acquire();
});

test("uploadParts() refuses bytes that are fewer or more than was said", async () => {
  const send = () => Promise.resolve();
  await assert.rejects(uploadParts(chunks(9), options(10), send), /unexpected size 9 of a blob to upload, expected 10/);
  await assert.rejects(uploadParts(chunks(11), options(10), send), /unexpected size 11 .*expected 10/);
});
