import type { FileHandle } from "node:fs/promises";
import type { ReadOptions } from "./store.ts";

const chunkBytes = 256 * 1024;

/** Bytes of a range of an open file, which is closed at the end. Holds one chunk, which then belongs to the reader; with `lend` it is filled again. */
export async function* readFileRange(
  file: FileHandle,
  options: ReadOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  await using _closed = file;
  const { lend = false, signal } = options;
  let position = options.offset ?? 0;
  const end = options.length === undefined ? Number.POSITIVE_INFINITY : position + options.length;
  const newBuffer = () => Buffer.allocUnsafeSlow(Math.min(chunkBytes, end - position));
  const lent = lend ? newBuffer() : undefined;
  while (position < end) {
    signal?.throwIfAborted();
    const buffer = lent ?? newBuffer();
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.byteLength, end - position), position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
