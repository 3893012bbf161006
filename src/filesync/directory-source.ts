import { closeSync, constants, fstatSync, openSync, read, readSync, realpathSync } from "node:fs";
import { promisify } from "node:util";
import { isSystemError } from "../base/errors/mod.ts";
import type { FileStat } from "./file-stat.ts";
import type { TreeSource } from "./send-tree.ts";
import { type WalkOptions, walkTree } from "./walk.ts";

const readAsync = promisify(read);

/** Files up to this size are read at once: a trip to the thread pool for each would cost more than the reading. */
const readAtOnceBytes = 64 * 1024;
const chunkBytes = 256 * 1024;

/** What {@link directorySource} wants to know. */
export interface DirectorySourceOptions extends WalkOptions {
  /** Changes what is told of an entry (owner, time), or leaves it out by returning `undefined`; its path must stay. */
  readonly map?: ((entry: FileStat) => FileStat | undefined) | undefined;
}

/** A directory of this machine as something to send. The directory is walked while it is sent. */
export function directorySource(root: string, options: DirectorySourceOptions = {}): TreeSource {
  const { map } = options;
  const top = realpathSync(root);
  function* entries(): Generator<FileStat> {
    for (const entry of walkTree(top, options)) {
      const mapped = map ? map(entry) : entry;
      if (mapped) yield mapped;
    }
  }
  return { entries: entries(), read: (entry) => readFileChunks(`${top}/${entry.path}`) };
}

/** The ways in which a path is no regular file any more. */
const gone = ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"];

/**
 * The bytes of a regular file. What is none any more, or is a symlink by now, counts as empty.
 * @throws the system's error where the file is there and may not be read: it must not pass for empty
 */
export async function* readFileChunks(path: string): AsyncGenerator<Uint8Array> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isSystemError(error, ...gone)) return;
    throw error;
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return;
    if (stats.size <= readAtOnceBytes) {
      const buffer = Buffer.allocUnsafe(Number(stats.size) + 1); // one more byte tells whether it has grown
      const bytes = readSync(fd, buffer, 0, buffer.byteLength, 0);
      if (bytes > 0) yield buffer.subarray(0, bytes);
      if (bytes < buffer.byteLength) return;
      yield* readFrom(fd, bytes);
      return;
    }
    yield* readFrom(fd, 0);
  } finally {
    closeSync(fd);
  }
}

/** Reads on from `offsetBytes` to the end; every chunk has a buffer of its own, since the last one may still be on its way out. */
async function* readFrom(fd: number, offsetBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = offsetBytes; ; ) {
    const { bytesRead, buffer } = await readAsync(fd, Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
