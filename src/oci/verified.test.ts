import assert from "node:assert/strict";
import { test } from "node:test";
import { describe } from "./descriptor.ts";
import { collectBytes, ContentMismatchError, verified } from "./verified.ts";

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
const want = describe("x", Buffer.from("hello"));
const all = (bytes: AsyncIterable<Uint8Array>) => collectBytes(bytes, { limitBytes: 100 });

test("verified() passes on what is as promised", async () => {
  assert.equal(Buffer.from(await all(verified(chunks("he", "", "llo"), want))).toString(), "hello");
});

test("verified() throws on other bytes, too few and too many", async () => {
  await assert.rejects(
    all(verified(chunks("hellO"), want)),
    (error) => error instanceof ContentMismatchError && /unexpected digest sha256:/.test(error.message),
  );
  await assert.rejects(all(verified(chunks("hell"), want)), /unexpected size 4, expected 5/);
  await assert.rejects(all(verified(chunks("hello", "!"), want)), /more than the expected 5 bytes/);
});

test("verified() stops reading as soon as there is too much", async () => {
  let read = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.alloc(++read && 3);
  }
  await assert.rejects(all(verified(endless(), want)), { code: "data_loss" });
  assert.equal(read, 2);
});

test("collectBytes() is bounded", async () => {
  await assert.rejects(collectBytes(chunks("12", "34"), { limitBytes: 3 }), { code: "resource_exhausted" });
  assert.equal((await collectBytes(chunks(), { limitBytes: 3 })).byteLength, 0);
});
