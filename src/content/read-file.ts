import type { FileHandle } from "node:fs/promises";
import type { ReadOptions } from "./store.ts";

const chunkBytes = 256 * 1024;

/** Bytes of a range of an open file, which is closed at the end. Holds one chunk, which then belongs to the reader. */
export async function* readFileRange(
  file: FileHandle,
  options: ReadOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  await using _closed = file;
  let position = options.offset ?? 0;
  const end = options.length === undefined ? Number.POSITIVE_INFINITY : position + options.length;
  while (position < end) {
    options.signal?.throwIfAborted();
    const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, end - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
