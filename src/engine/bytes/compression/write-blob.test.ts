import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { digestOf } from "../../../oci/mod.ts";
import type { Codec } from "../jobs.ts";
import { DigestThread } from "./digest-thread.ts";
import { gzipChunkBytes } from "./gzip.ts";
import { type ChunkMaker, writeBlob } from "./write-blob.ts";

const large = 64 * 1024 * 1024;
const codecs: readonly Codec[] = [{ type: "uncompressed" }, { type: "gzip", level: 4 }, { type: "zstd", level: 3 }];
const tarBytes = 21 * gzipChunkBytes + 777;
/** Half of it noise, so that pieces that are stored come between pieces that are compressed. */
const tar = Buffer.concat(
  Array.from({ length: 22 }, (_, at) => Buffer.alloc(gzipChunkBytes, at % 2 ? noise(at) : `line ${at}\n`)),
).subarray(0, tarBytes);

for (const codec of codecs) {
  test(`a large tar gives the same ${codec.type} blob and digests as a small one, told its digest or not`, async (t) => {
    const file = join(directory(t), "blob");
    const known = digestOf(tar);
    const want = await writeBlob(pieces, codec, file, { check, sizeHint: 0 });
    assert.equal(want.diffId, known);
    for (const diffId of [undefined, known]) {
      assert.deepEqual(await writeBlob(pieces, codec, file, { check, sizeHint: large, diffId }), want);
      const blob = readFileSync(file);
      assert.deepEqual({ digest: digestOf(blob), size: blob.length }, { digest: want.digest, size: want.size });
      assert.ok(unpacked(codec, blob).equals(tar));
    }
  });
}

test("pieces of a large tar share a few buffers", async (t) => {
  const buffers = new Set<Buffer>();
  function* make(buffer: () => Buffer): Generator<Buffer> {
    for (let at = 0; at < 200; at++) {
      const piece = buffer();
      buffers.add(piece);
      yield piece;
    }
  }
  for (const codec of codecs) await writeBlob(make, codec, join(directory(t), "blob"), { check, sizeHint: large });
  assert.ok(buffers.size <= 3 * 12, `${buffers.size} buffers for three times 200 pieces`);
});

test("a large tar whose making fails, or is stopped, fails with that and leaves no thread behind", async (t) => {
  const file = join(directory(t), "blob");
  function* broken(buffer: () => Buffer): Generator<Buffer> {
    for (let at = 0; at < 9; at++) yield buffer().fill(at);
    throw new Error("enough");
  }
  for (const codec of codecs) {
    await assert.rejects(writeBlob(broken, codec, file, { check, sizeHint: large }), /enough/);
    let left = 7;
    const stop = () => {
      if (left-- === 0) throw new Error("cancelled");
    };
    await assert.rejects(writeBlob(pieces, codec, file, { check: stop, sizeHint: large }), /cancelled/);
  }
});

test("a digest thread that ends before its time fails those who wait for it", async () => {
  const thread = new DigestThread();
  const added = Array.from({ length: 3 }, () => thread.add(Buffer.from(new SharedArrayBuffer(gzipChunkBytes))));
  const digest = thread.digest();
  await Promise.all([assert.rejects(digest, /digest thread ended/), thread[Symbol.asyncDispose]()]);
  await Promise.all(added);
  await assert.rejects(thread.room(), /digest thread ended/);
});

const pieces: ChunkMaker = function* (buffer) {
  for (let at = 0; at < tar.length; at += gzipChunkBytes) {
    const piece = tar.subarray(at, at + gzipChunkBytes);
    const target = buffer();
    target.set(piece);
    yield target.subarray(0, piece.length);
  }
};

function check(): void {}

function unpacked(codec: Codec, blob: Buffer): Buffer {
  if (codec.type === "gzip") return gunzipSync(blob);
  return codec.type === "zstd" ? zstdDecompressSync(blob) : blob;
}

/** Bytes without a pattern, the same for the same seed. */
function noise(seed: number): Buffer {
  let state = seed + 1;
  const out = Buffer.alloc(gzipChunkBytes);
  for (let at = 0; at < out.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[at] = state;
  }
  return out;
}

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "polyarch-blob-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}
