import { closeSync, fstatSync, openSync } from "node:fs";
import { type Digest, Digester } from "../../../oci/mod.ts";
import { writeFully } from "../../snapshots/mod.ts";
import type { Codec, WrittenBlob } from "../jobs.ts";
import { gzip, gzipChunkBytes } from "./gzip.ts";
import { zstd } from "./zstd.ts";

/** Pieces in libuv's pool at once: its four threads are kept busy while we read ahead. */
const inFlight = 5;

/** Fills pieces of {@link gzipChunkBytes}, taking buffers from where it is told. */
export type ChunkMaker = (buffer: () => Buffer) => Iterable<Buffer> | AsyncIterable<Buffer>;

/**
 * Writes a tar to `file` as `codec` says, and learns digests and size in the same pass.
 * @param options.diffId digest of the tar where it is known, so that it is not made again
 * Holds `inFlight` + 2 pieces of 1 MiB, and what they compress to.
 */
export async function writeBlob(
  make: ChunkMaker,
  codec: Codec,
  file: string,
  options: { check: () => void; diffId?: Digest | undefined },
): Promise<WrittenBlob> {
  const tar = new Digester();
  const free: Buffer[] = [];
  async function* observed(): AsyncGenerator<Buffer> {
    for await (const chunk of make(() => free.pop() ?? Buffer.allocUnsafeSlow(gzipChunkBytes))) {
      options.check();
      if (options.diffId === undefined) tar.update(chunk);
      yield chunk;
    }
  }
  const release = (chunk: Buffer): void => {
    // The last piece is a view of its buffer; there is no piece after it.
    if (chunk.length === gzipChunkBytes) free.push(chunk);
  };
  const fd = openSync(file, "w", 0o644);
  try {
    if (codec.type === "uncompressed") {
      for await (const chunk of observed()) {
        writeFully(fd, chunk);
        release(chunk);
      }
      const digest = options.diffId ?? tar.digest();
      return { digest, size: fstatSync(fd).size, diffId: digest };
    }
    const blob = new Digester();
    const source = { chunks: observed(), release };
    const packed = codec.type === "gzip" ? gzip(source, { level: codec.level, inFlight }) : zstd(source, codec);
    for await (const piece of packed) {
      writeFully(fd, piece);
      blob.update(piece);
    }
    return { digest: blob.digest(), size: blob.size, diffId: options.diffId ?? tar.digest() };
  } finally {
    closeSync(fd);
  }
}

/** Pieces of any size as full pieces in the buffers given. */
export async function* rechunk(bytes: AsyncIterable<Uint8Array>, buffer: () => Buffer): AsyncGenerator<Buffer> {
  let target = buffer();
  let fill = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + target.length - fill);
      target.set(piece, fill);
      fill += piece.length;
      at += piece.length;
      if (fill < target.length) continue;
      yield target;
      target = buffer();
      fill = 0;
    }
  }
  if (fill > 0) yield target.subarray(0, fill);
}
