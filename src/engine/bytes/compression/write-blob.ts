import { closeSync, fstatSync, openSync } from "node:fs";
import { type Digest, Digester } from "../../../oci/mod.ts";
import { writeFully } from "../../snapshots/mod.ts";
import type { Codec, WrittenBlob } from "../jobs.ts";
import { DigestThread } from "./digest-thread.ts";
import { gzip, gzipChunkBytes } from "./gzip.ts";
import { zstd } from "./zstd.ts";

/** Pieces in libuv's pool at once: its four threads are kept busy while we read ahead. */
const inFlight = 5;

/** From this size on, computing a digest beside the rest outweighs starting a thread for it (some 30 ms). */
const worthThreadBytes = 16 * 1024 * 1024;

/** Fills pieces of {@link gzipChunkBytes}, taking buffers from where it is told. */
export type ChunkMaker = (buffer: () => Buffer) => Iterable<Buffer> | AsyncIterable<Buffer>;

/** Where the digest of a stream is computed: {@link DigestThread}, or {@link Here}. */
interface StreamDigest extends AsyncDisposable {
  room(): Promise<void> | undefined;
  add(piece: Uint8Array): Promise<void> | undefined;
  digest(): Promise<Digest> | Digest;
}

/**
 * Writes a tar to `file` as `codec` says, and learns digests and size in the same pass. Of a large tar, one of the digests is computed on a thread
 * of its own: that of the tar, which must be made for every layer, or else that of the blob.
 * @param options.diffId digest of the tar where it is known, so that it is not made again
 * @param options.sizeHint about how large the tar is, in bytes
 * Holds `inFlight` + 2 pieces of 1 MiB, those that wait to be hashed, and what they compress to.
 */
export async function writeBlob(
  make: ChunkMaker,
  codec: Codec,
  file: string,
  options: { check: () => void; sizeHint: number; diffId?: Digest | undefined },
): Promise<WrittenBlob> {
  const { check, sizeHint, diffId } = options;
  const isLarge = sizeHint >= worthThreadBytes;
  const needsTar = diffId === undefined;
  const isPlain = codec.type === "uncompressed";
  await using beside = isLarge && (needsTar || !isPlain) ? new DigestThread() : undefined;
  const tar: StreamDigest | undefined = needsTar ? (beside ?? new Here()) : undefined;
  const blob: StreamDigest | undefined = isPlain ? undefined : needsTar ? new Here() : (beside ?? new Here());

  const free: Buffer[] = [];
  const newBuffer = () =>
    tar && tar === beside ? Buffer.from(new SharedArrayBuffer(gzipChunkBytes)) : Buffer.allocUnsafeSlow(gzipChunkBytes);
  const hashing = new Map<Buffer, Promise<void>>();
  async function* observed(): AsyncGenerator<Buffer> {
    for await (const chunk of make(() => free.pop() ?? newBuffer())) {
      check();
      await tar?.room();
      const hashed = tar?.add(chunk);
      if (hashed) hashing.set(chunk, hashed);
      yield chunk;
    }
  }
  const release = (chunk: Buffer): void => {
    const hashed = hashing.get(chunk);
    hashing.delete(chunk);
    // The last piece is a view of its buffer; there is no piece after it.
    if (chunk.length < gzipChunkBytes) return;
    if (hashed) void hashed.then(() => free.push(chunk));
    else free.push(chunk);
  };
  const fd = openSync(file, "w", 0o644);
  try {
    if (codec.type === "uncompressed") {
      for await (const chunk of observed()) {
        writeFully(fd, chunk);
        release(chunk);
      }
    } else {
      const source = { chunks: observed(), release };
      const packed = codec.type === "gzip" ? gzip(source, { level: codec.level, inFlight }) : zstd(source, codec);
      for await (const piece of packed) {
        await blob?.room();
        void blob?.add(piece);
        writeFully(fd, piece);
      }
    }
    const tarDigest = diffId ?? ((await tar?.digest()) as Digest);
    return { digest: (await blob?.digest()) ?? tarDigest, size: fstatSync(fd).size, diffId: tarDigest };
  } finally {
    closeSync(fd);
  }
}

/** A digest computed on this thread, as pieces come. */
class Here implements StreamDigest {
  readonly #digester = new Digester();
  room(): undefined {}
  add(piece: Uint8Array): undefined {
    this.#digester.update(piece);
  }
  digest(): Digest {
    return this.#digester.digest();
  }
  async [Symbol.asyncDispose](): Promise<void> {}
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
