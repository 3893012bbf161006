import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { temporaryDirectory } from "./temporary-dockerfile.ts";

/** A stream of bytes of which the beginning has been looked at. */
export interface PeekedStream {
  /** At least as much as was asked for, where there is as much. */
  readonly start: Uint8Array;
  /** All of it, {@link start} included; to be read once. */
  readonly all: AsyncIterable<Uint8Array>;
}

/** Looks at the beginning of a stream. @throws {BuildError} `failed to peek context header from STDIN: …` */
export async function peek(stream: NodeJS.ReadableStream, wantedBytes: number): Promise<PeekedStream> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<string | Uint8Array>;
  let start: Uint8Array = new Uint8Array();
  try {
    while (start.byteLength < wantedBytes) {
      const next = await chunks.next();
      if (next.done) break;
      start = Buffer.concat([start, Buffer.from(next.value)]);
    }
  } catch (cause) {
    throw new BuildError("unknown", `failed to peek context header from STDIN: ${messageOf(cause)}`, { cause });
  }
  return { start, all: rest(start, chunks) };
}

/** Keeps a stream in a file that goes away with `undo`, to be read as often as is wanted. */
export async function kept(
  bytes: AsyncIterable<Uint8Array>,
  undo: AsyncDisposableStack,
): Promise<() => AsyncIterable<Uint8Array>> {
  const file = join(await temporaryDirectory(undo), "stdin");
  await writeFile(file, bytes);
  return () => createReadStream(file);
}

async function* rest(start: Uint8Array, chunks: AsyncIterator<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (start.byteLength > 0) yield start;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      yield typeof next.value === "string" ? Buffer.from(next.value) : next.value;
    }
  } finally {
    await chunks.return?.();
  }
}
