import { createReadStream } from "node:fs";
import { closeSync, openSync, readSync } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { BuildError } from "../../../base/errors/mod.ts";
import { detectFraming, framingPrefixBytes } from "../../../tar/mod.ts";

/** A range of a file. */
export interface FileRange {
  readonly file: string;
  readonly offsetBytes?: number | undefined;
  /** To the end where it is left out. */
  readonly size?: number | undefined;
}

const readBytes = 256 * 1024;

/**
 * The bytes of a file as they were before compression, recognised by their first bytes. A chunk is valid until the next one is asked for.
 * @param progress told how many bytes of the file are read
 * @throws {BuildError} `unimplemented` for bzip2 and xz, `data_loss` when the stream is damaged or cut off
 */
export async function* decompressed(range: FileRange, progress: (bytes: number) => void): AsyncGenerator<Buffer> {
  const framing = detectFraming(prefixOf(range));
  switch (framing) {
    case "uncompressed":
      yield* readRange(range, progress);
      return;
    case "gzip":
    case "zstd":
      yield* throughStream(range, framing, progress);
      return;
    default:
      throw new BuildError("unimplemented", `archives compressed with ${framing} are not supported: use gzip or zstd`);
  }
}

function prefixOf({ file, offsetBytes = 0, size = framingPrefixBytes }: FileRange): Buffer {
  const prefix = Buffer.alloc(Math.min(framingPrefixBytes, size));
  const fd = openSync(file, "r");
  try {
    return prefix.subarray(0, readSync(fd, prefix, 0, prefix.length, offsetBytes));
  } finally {
    closeSync(fd);
  }
}

/** Synchronous reads into one buffer: nothing is faster for a file in the page cache. */
function* readRange({ file, offsetBytes = 0, size }: FileRange, progress: (bytes: number) => void): Generator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(readBytes);
  const fd = openSync(file, "r");
  try {
    for (let at = 0; ; ) {
      const wanted = size === undefined ? buffer.length : Math.min(buffer.length, size - at);
      const got = wanted === 0 ? 0 : readSync(fd, buffer, 0, wanted, offsetBytes + at);
      if (got === 0) return;
      at += got;
      progress(at);
      yield buffer.subarray(0, got);
    }
  } finally {
    closeSync(fd);
  }
}

async function* throughStream(
  { file, offsetBytes = 0, size }: FileRange,
  framing: "gzip" | "zstd",
  progress: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const source = createReadStream(file, {
    start: offsetBytes,
    ...(size === undefined ? {} : { end: offsetBytes + size - 1 }),
    highWaterMark: readBytes,
  });
  const stream =
    framing === "gzip" ? createGunzip({ chunkSize: readBytes }) : createZstdDecompress({ chunkSize: readBytes });
  // What it calls back with is what reading meets; it does not always call back when streams are destroyed.
  pipeline(source, stream, () => undefined);
  try {
    for await (const chunk of stream) {
      progress(source.bytesRead);
      yield chunk as Buffer;
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!/^(Z_|ZSTD_|ERR_)/.test(code)) throw error;
    throw new BuildError("data_loss", `${framing}: ${(error as Error).message}`, { cause: error });
  } finally {
    await Promise.all([destroyed(stream), destroyed(source)]);
  }
}

/** Ends a stream, and waits until it holds nothing any more. */
async function destroyed(stream: Readable): Promise<void> {
  if (stream.closed) return;
  const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
  stream.destroy();
  await closed;
}
