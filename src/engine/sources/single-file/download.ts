import { createHash, randomUUID } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../../base/files/mod.ts";
import { type Digest, parseDigest } from "../../../oci/mod.ts";
import type { VertexProgress } from "../../solver/mod.ts";

/** A fetched file in a directory of its own. Disposing of it removes both. */
export interface Download extends AsyncDisposable {
  readonly directory: string;
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
}

/** What is to be stored. */
export interface Incoming {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** In bytes, where it is known. */
  readonly total: number | undefined;
}

/**
 * Stores `incoming` in a directory below `root`, and tells of its progress under the name `id`. Holds one chunk.
 * @throws what reading or writing throws; nothing is left behind then
 */
export async function download(
  root: string,
  incoming: Incoming,
  options: { readonly id: string; readonly signal: AbortSignal; readonly progress: VertexProgress },
): Promise<Download> {
  // Names with a dot belong to one build only.
  const directory = join(root, `http.${randomUUID()}`);
  const remove = () => rm(directory, { recursive: true, force: true });
  await makeDirectory(directory, { mode: 0o700 });
  try {
    const path = join(directory, "file");
    const stored = await store(incoming, path, options);
    return { ...stored, directory, path, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function store(
  { bytes, total }: Incoming,
  path: string,
  { id, signal, progress }: { readonly id: string; readonly signal: AbortSignal; readonly progress: VertexProgress },
): Promise<{ readonly size: number; readonly digest: Digest }> {
  const started = new Date();
  const hash = createHash("sha256");
  let size = 0;
  let told = 0;
  await using file = await open(path, "wx", 0o600);
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    hash.update(chunk);
    for (let at = 0; at < chunk.byteLength; ) at += (await file.write(chunk, at)).bytesWritten;
    size += chunk.byteLength;
    if (size - told < tellEveryBytes) continue;
    told = size;
    progress.status({ id, current: size, ...(total === undefined ? {} : { total }), started });
  }
  progress.status({ id, current: size, ...(total === undefined ? {} : { total }), started, completed: new Date() });
  return { size, digest: parseDigest(`sha256:${hash.digest("hex")}`) };
}

const tellEveryBytes = 1024 * 1024;
