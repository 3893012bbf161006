import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { isSystemError } from "../../base/errors/mod.ts";
import type { FileSink } from "../../session/mod.ts";

/**
 * A file that is complete or not there: bytes go beside it and it is put in place at the end. What is no plain file (a pipe, a device) is
 * written to directly.
 */
export async function openFileSink(path: string): Promise<FileSink> {
  const existing = await stat(path).catch(() => undefined);
  if (existing && !existing.isFile()) return writeTo(await open(path, "w"), path, {});
  const target = existing ? await realpath(path) : path;
  const partial = `${target}.${process.pid}.partial`;
  const file = await open(partial, "w", 0o644).catch((error: unknown) => {
    throw isSystemError(error) ? Object.assign(error, { path: target }) : error;
  });
  return writeTo(file, target, {
    close: () => rename(partial, target),
    abort: () => rm(partial, { force: true }),
  });
}

function writeTo(
  file: FileHandle,
  path: string,
  hooks: { readonly close?: () => Promise<void>; readonly abort?: () => Promise<void> },
): FileSink {
  return {
    write: async (bytes) => {
      try {
        for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
      } catch (error) {
        throw isSystemError(error) ? Object.assign(error, { path }) : error; // which Node does not know of an open file
      }
    },
    close: async () => {
      await file.close();
      await hooks.close?.();
    },
    abort: async () => {
      await file.close();
      await hooks.abort?.();
    },
  };
}

/** Writes to a stream that belongs to somebody else, and is left open. */
export function streamSink(stream: NodeJS.WritableStream): FileSink {
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => stream.write(bytes, (error) => (error ? reject(error) : resolve()))),
    close: () => Promise.resolve(),
    abort: () => Promise.resolve(),
  };
}

/** Hands bytes to something that reads them as an iterable: `consume` runs beside the writing, and its failure becomes the writer's. */
export function consumerSink(consume: (bytes: AsyncIterable<Uint8Array>) => Promise<void>): FileSink {
  const pipe = new TransformStream<Uint8Array, Uint8Array>();
  const writer = pipe.writable.getWriter();
  writer.closed.catch(() => undefined); // told by whoever writes
  const done = consume(pipe.readable);
  const failed = done.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  void failed.then((failure) => failure && writer.abort(failure.error).catch(() => undefined));
  const orFailure = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      throw (await Promise.race([failed, Promise.resolve(undefined)]))?.error ?? error;
    }
  };
  return {
    write: async (bytes) => {
      await orFailure(writer.ready);
      // The chunk belongs to the sender's buffer and is read later.
      void writer.write(bytes.slice()).catch(() => undefined);
    },
    close: async () => {
      await orFailure(writer.close());
      await done;
    },
    abort: async () => {
      await writer.abort(new Error("the build ended before its result was complete")).catch(() => undefined);
      await failed;
    },
  };
}
