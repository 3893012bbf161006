import { decodeToc, type LayerToc } from "../snapshots/mod.ts";
import type { FileDigest } from "./jobs.ts";
import type { ByteWorkers } from "./pool.ts";

/** Paths per job: enough to outweigh a message, few enough to spread over all threads. */
const pathsPerJob = 256;

/**
 * Digests of regular files below `root`, in the order of `paths` (relative), spread over all threads. `undefined` where no regular file is (any more).
 * @throws {BuildError} when a file cannot be read, or never stays the same for as long as reading takes
 */
export async function hashFiles(
  bytes: ByteWorkers,
  root: string,
  paths: readonly string[],
  options: { signal: AbortSignal },
): Promise<readonly (FileDigest | undefined)[]> {
  const batches: (readonly string[])[] = [];
  for (let at = 0; at < paths.length; at += pathsPerJob) batches.push(paths.slice(at, at + pathsPerJob));
  return (await Promise.all(batches.map((batch) => bytes.run("hash", { root, paths: batch }, options)))).flat();
}

/** What {@link tocOfDirectory} found. */
export interface DirectoryScan {
  /** Every path with its digest and content; the root is `""`. */
  readonly toc: LayerToc;
  /** For the next scan of the same directory: then only what changed is read. */
  readonly index: Uint8Array;
}

/** Walks and hashes a whole directory on a worker thread. */
export async function tocOfDirectory(
  bytes: ByteWorkers,
  root: string,
  options: { signal: AbortSignal; previousIndex?: Uint8Array | undefined },
): Promise<DirectoryScan> {
  const { signal, previousIndex } = options;
  const input = { root, kind: "tree", withIndex: true, ...(previousIndex ? { previousIndex } : {}) } as const;
  const { toc, index } = await bytes.run("scan", input, { signal });
  return {
    toc: decodeToc(toc, (path) => ({ kind: "range", file: `${root}/${path}`, offsetBytes: 0 })),
    index: index ?? new Uint8Array(),
  };
}
