import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { gunzipSync } from "node:zlib";
import { gzip, gzipChunkBytes } from "./gzip.ts";
import { isIncompressible } from "./incompressible.ts";

/** Bytes without any pattern, the same at each run. */
function noise(size: number): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < size; at += 32) blocks.push(createHash("sha256").update(String(at)).digest());
  return Buffer.concat(blocks).subarray(0, size);
}

async function zipped(bytes: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += gzipChunkBytes) chunks.push(bytes.subarray(at, at + gzipChunkBytes));
  return Buffer.concat(await Array.fromAsync(gzip({ chunks, release: () => undefined }, { level: 4, inFlight: 3 })));
}

test("noise is incompressible, text is not, and neither is a little noise in much text", () => {
  const text = Buffer.alloc(gzipChunkBytes, "All work and no play makes Jack a dull boy. ");
  assert.equal(isIncompressible(noise(gzipChunkBytes)), true);
  assert.equal(isIncompressible(text), false);
  const mixed = Buffer.from(text);
  noise(64 * 1024).copy(mixed, 0);
  assert.equal(isIncompressible(mixed), false);
});

test("pieces that are stored and pieces that are compressed make one valid stream", async () => {
  const text = Buffer.alloc(gzipChunkBytes, "All work and no play makes Jack a dull boy. ");
  const bytes = Buffer.concat([text, noise(gzipChunkBytes), text, noise(gzipChunkBytes + 12_345)]);
  const blob = await zipped(bytes);
  assert.deepEqual(gunzipSync(blob), bytes);
  assert.ok(blob.length < 2.2 * gzipChunkBytes, `${blob.length} bytes`);
});
