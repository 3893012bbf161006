import { promisify } from "node:util";
import { constants, crc32, deflateRaw } from "node:zlib";
import { gzipHeader, gzipTrailer } from "../../../tar/mod.ts";
import { isIncompressible, storedBlocks } from "./incompressible.ts";

const deflate = promisify(deflateRaw) as unknown as (
  bytes: Uint8Array,
  options: { level: number; memLevel: number; dictionary?: Uint8Array; finishFlush: number },
) => Promise<Buffer>;

/** Pieces that are compressed on their own. Part of the format of our blobs: another size gives other bytes. */
export const gzipChunkBytes = 1024 * 1024;

const dictionaryBytes = 32 * 1024;

/** A source of bytes that can be read ahead. */
export interface ChunkSource {
  /** Pieces of {@link gzipChunkBytes} (the last may be shorter). Each stays valid until it is released. */
  readonly chunks: Iterable<Buffer> | AsyncIterable<Buffer>;
  /** Says that a piece is no longer needed. */
  release(chunk: Buffer): void;
}

/**
 * One gzip member, compressed piece by piece at once on libuv's pool: each piece knows the 32 KiB before it and ends on a byte, so the pieces
 * in a row are one valid stream for every reader. The bytes depend on level and input only, not on `inFlight`.
 * Holds `inFlight` pieces and their results.
 */
export async function* gzip(
  source: ChunkSource,
  options: { level: number; inFlight: number },
): AsyncGenerator<Uint8Array> {
  yield gzipHeader;
  const running: Promise<Buffer>[] = [];
  let checksum = 0;
  let size = 0;
  let dictionary: Buffer | undefined;
  try {
    for await (const chunk of source.chunks) {
      checksum = crc32(chunk, checksum);
      size += chunk.length;
      const before = dictionary;
      dictionary = Buffer.from(chunk.subarray(Math.max(0, chunk.length - dictionaryBytes)));
      const piece = (
        options.level > 0 && isIncompressible(chunk)
          ? Promise.resolve(storedBlocks(chunk))
          : deflate(chunk, {
              level: options.level,
              memLevel: 8,
              finishFlush: constants.Z_SYNC_FLUSH,
              ...(before ? { dictionary: before } : {}),
            })
      ).finally(() => source.release(chunk));
      piece.catch(() => undefined); // a failure surfaces when its turn comes
      running.push(piece);
      if (running.length >= options.inFlight) yield (await running.shift()) as Buffer;
    }
    for (let piece = running.shift(); piece; piece = running.shift()) yield await piece;
  } finally {
    await Promise.allSettled(running);
  }
  yield finalBlock;
  yield gzipTrailer(checksum, size);
}

/** An empty last block with fixed codes: ends a deflate stream that stands on a byte. */
const finalBlock = Uint8Array.of(0x03, 0x00);
