import { randomBytes } from "node:crypto";
import { renameSync } from "node:fs";
import { open, readdir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../base/files/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import { checkContent, type Descriptor, type Digest, digestAlgorithm, digestHex, isDigest } from "../oci/mod.ts";
import { type IngestTarget, openIngest, sweepIngests } from "./ingest.ts";
import { readFileRange } from "./read-file.ts";
import type { ContentStore, Ingest, ReadOptions } from "./store.ts";

/**
 * Opens (and makes) a store in `directory`: `blobs/<algorithm>/<hex>` and `ingest/`. Blobs appear by rename once they are complete, so
 * killing the process at any moment leaves no half blob; leftovers in `ingest/` are swept here. Nothing is synced to the disk: after a
 * power cut a blob may be short, which readers that know its size will notice.
 */
export async function openDirectoryStore(directory: string): Promise<ContentStore> {
  const ingest = join(directory, "ingest");
  await makeDirectory(join(directory, "blobs", "sha256"));
  await makeDirectory(ingest);
  await sweepIngests(ingest);
  return new DirectoryStore(directory, ingest);
}

/** Enough to keep the disk busy. */
const statsAtOnce = 64;

class DirectoryStore implements ContentStore {
  readonly #directory: string;
  readonly #target: IngestTarget;
  /** One at a time: deleting a large file takes its time, and others want the threads, too. */
  #unlinking: Promise<void> = Promise.resolve();
  constructor(directory: string, ingest: string) {
    this.#directory = directory;
    this.#target = { directory: ingest, blobPath: (digest) => this.#madePath(digest) };
  }
  path(digest: Digest): string {
    return join(this.#directory, "blobs", digestAlgorithm(digest), digestHex(digest));
  }
  async info(digest: Digest): Promise<{ size: number } | undefined> {
    return await stat(this.path(digest)).then(({ size }) => ({ size }), missingIsUndefined);
  }
  async has(digest: Digest): Promise<boolean> {
    return (await this.info(digest)) !== undefined;
  }
  async *read(digest: Digest, options: ReadOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    options.signal?.throwIfAborted();
    const file = await open(this.path(digest), "r").catch(missingIsUndefined);
    if (!file) throw new BuildError("not_found", `content ${digest}: not found`);
    yield* readFileRange(file, options);
  }
  async ingest(
    options: { expected?: Pick<Descriptor, "digest" | "size">; signal?: AbortSignal } = {},
  ): Promise<Ingest> {
    return await openIngest(this.#target, options);
  }
  async adopt(file: string, digest: Digest, size: number): Promise<void> {
    checkContent({ digest, size }, { digest, size: (await stat(file)).size });
    await rename(file, await this.#madePath(digest));
  }
  async put(
    bytes: AsyncIterable<Uint8Array> | Uint8Array,
    expected?: Pick<Descriptor, "digest" | "size">,
    options: { signal?: AbortSignal } = {},
  ): Promise<{ digest: Digest; size: number }> {
    if (expected && (await this.info(expected.digest))?.size === expected.size) {
      return { digest: expected.digest, size: expected.size };
    }
    await using ingest = await this.ingest({ ...options, ...(expected ? { expected } : {}) });
    if (bytes instanceof Uint8Array) await ingest.write(bytes);
    else for await (const chunk of bytes) await ingest.write(chunk);
    return await ingest.commit();
  }
  async *list(): AsyncGenerator<{ digest: Digest; size: number }, void, undefined> {
    for (const algorithm of await readdir(join(this.#directory, "blobs"))) {
      const names = await readdir(join(this.#directory, "blobs", algorithm));
      const digests = names.map((name) => `${algorithm}:${name}`).filter(isDigest);
      for (let at = 0; at < digests.length; at += statsAtOnce) {
        const some = digests.slice(at, at + statsAtOnce);
        const infos = await Promise.all(some.map((digest) => this.info(digest)));
        for (const [index, digest] of some.entries()) {
          const info = infos[index];
          if (info) yield { digest, size: info.size };
        }
      }
    }
  }
  async remove(digest: Digest): Promise<void> {
    const removed = join(this.#target.directory, `removed.${randomBytes(9).toString("hex")}`);
    try {
      renameSync(this.path(digest), removed); // before anything asynchronous; a start-up would sweep it
    } catch (error) {
      return missingIsUndefined(error as NodeJS.ErrnoException);
    }
    const unlinked = this.#unlinking.then(() => unlink(removed)).catch(missingIsUndefined);
    this.#unlinking = unlinked.catch(() => undefined);
    await unlinked;
  }
  async #madePath(digest: Digest): Promise<string> {
    if (digestAlgorithm(digest) !== "sha256") {
      await makeDirectory(join(this.#directory, "blobs", digestAlgorithm(digest)));
    }
    return this.path(digest);
  }
}

function missingIsUndefined(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
