import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../base/files/mod.ts";
import { Semaphore, SingleFlight } from "../../base/async/mod.ts";
import type { ContentStore } from "../../content/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import type { ByteWorkers } from "../bytes/mod.ts";
import { RefDatabase } from "./database.ts";
import type { StoreParts } from "./parts.ts";
import { Pins } from "./pins.ts";
import { Places } from "./places.ts";
import type { Ref, RefStore } from "./ref.ts";
import { deleteTree, finishRemovals, type Removed } from "./removal.ts";
import { Remotes } from "./remotes.ts";
import { Store } from "./store.ts";
import type { StoreUsage } from "./usage.ts";
import { UseJournal } from "./use-journal.ts";

/** A {@link RefStore} with what only its owner and a few others need. */
export interface OpenedRefStore extends RefStore, AsyncDisposable {
  /** The layers of `ref` above those of `base`, as a result of their own; `undefined` when `ref` does not stand on `base`. */
  above(ref: Ref, base: Ref): Ref | undefined;
  /** Remembers that a repository (`host/path`) has a blob: what was pushed there can be mounted elsewhere. */
  noteKnownIn(digest: Digest, repository: string): void;
  /** What is stored, held or not, and what it takes. */
  usage(options: { signal: AbortSignal }): Promise<StoreUsage>;
  /**
   * Removes a layer, and whatever only it needs. It is gone when this returns, before anything else can happen; bytes are deleted after that.
   * @param goesToo layers that will be removed next: that they stand on this one keeps nothing
   * @returns `undefined` when it is held, when another layer stands on it, or when there is none
   */
  remove(layer: string, goesToo?: (layer: string) => boolean): Removed | undefined;
  /** Removes those of these blobs that belong to no layer; see {@link StoreUsage.otherBlobs}. Nobody may be about to read them. */
  removeBlobs(digests: readonly Digest[]): Removed;
  /** Whether what {@link RefStore.save} gave still means something. */
  isKnown(saved: string): boolean;
}

/** Where a store lives, and what it works with. */
export interface RefStoreOptions {
  /** The store's own directory, made when missing; one process at a time. On a file system on which overlayfs works. */
  readonly root: string;
  /** Layer blobs; on the same file system. */
  readonly content: ContentStore;
  readonly bytes: ByteWorkers;
  readonly now?: () => Date;
}

/**
 * Opens the store in `root`. A store that was killed at any moment opens as it was after the last thing that it finished: what was half-made,
 * and what no row of the database speaks of, is swept away (deleting goes on in the background).
 */
export async function openRefStore(options: RefStoreOptions): Promise<OpenedRefStore> {
  const { root, content, bytes, now = () => new Date() } = options;
  const places = new Places(root);
  await makeDirectory(places.layers, { mode: 0o711 });
  await makeDirectory(places.temporary, { mode: 0o711 });
  await makeDirectory(places.empty, { mode: 0o755 });
  const database = new RefDatabase(places.database);
  const parts: StoreParts = {
    places,
    database,
    content,
    bytes,
    flights: new SingleFlight(),
    layers: new Map(),
    stacks: new Map(),
    layerOfToc: new WeakMap(),
    remotes: new Remotes(),
    journal: new UseJournal(database, now),
    pins: new Pins(),
    deletions: new Semaphore(1),
    now,
  };
  await finishRemovals(parts);
  await sweep(parts);
  return new Store(parts);
}

async function sweep(parts: StoreParts): Promise<void> {
  const { places, database } = parts;
  const litter = (await readdir(places.temporary)).map((name) => join(places.temporary, name));
  const known = new Set(database.layerIds().map((id) => places.layer(id)));
  for (const name of await readdir(places.layers)) {
    const path = join(places.layers, name);
    if (known.has(path)) continue;
    const moved = join(places.temporary, `swept-${name}`);
    await rename(path, moved);
    litter.push(moved);
  }
  for (const path of litter) void deleteTree(parts, path);
}
