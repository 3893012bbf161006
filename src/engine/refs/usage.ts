import type { Digest } from "../../oci/mod.ts";
import type { LayerOrigin, LayerUse } from "./database.ts";
import type { StoreParts } from "./parts.ts";

/** One stored layer, and what it takes. */
export interface LayerUsage {
  readonly id: string;
  /** Layers that it stands on, in one stack or another. */
  readonly parents: readonly string[];
  readonly description: string;
  readonly origin: LayerOrigin | undefined;
  /** When it came into the store. */
  readonly addedAt: Date;
  /** When it was last given back; undefined: never. */
  readonly usedAt: Date | undefined;
  readonly uses: number;
  /** Whether somebody holds it now. */
  readonly isHeld: boolean;
  /** Bytes on disk of its directory and its blobs. What several layers share is counted for the one that came first. */
  readonly bytes: number;
}

/** All that is in the store and its content store. */
export interface StoreUsage {
  /** In the order in which they came. */
  readonly layers: readonly LayerUsage[];
  /** Blobs that belong to no layer: manifests, configurations, and layers of directories that are gone. */
  readonly otherBlobs: readonly { readonly digest: Digest; readonly bytes: number }[];
}

/** How many directories a worker thread counts in one go. */
const directoriesPerJob = 32;

/** Adds up. Directories are counted on worker threads, once for as long as they stay as they are. */
export async function storeUsage(parts: StoreParts, { signal }: { signal: AbortSignal }): Promise<StoreUsage> {
  const { database, layers, pins, content, journal } = parts;
  const sizes = new Map<Digest, number>();
  for await (const { digest, size } of content.list()) sizes.set(digest, size);
  journal.flush();
  const rows = database.layerUses();
  const counted = await countDirectories(parts, rows, signal);
  const parents = new Map<string, string[]>(rows.map(({ id }) => [id, []]));
  for (const { layer, on } of database.standings()) parents.get(layer)?.push(on);
  const made = Map.groupBy(database.blobs(), ({ diffId }) => diffId);
  const seenDirectories = new Set<string>();
  const usage = rows.map((row): LayerUsage => {
    const { id, diffId, descriptor, description, origin, addedAt, usedAt, uses } = row;
    const blobs = [descriptor?.digest, diffId, ...((diffId && made.get(diffId)) ?? []).map(({ digest }) => digest)];
    let bytes = 0;
    for (const digest of blobs) {
      if (digest === undefined) continue;
      bytes += sizes.get(digest) ?? 0;
      sizes.delete(digest);
    }
    const directory = parts.places.layer(id);
    if (!seenDirectories.has(directory)) bytes += counted.get(id) ?? 0;
    seenDirectories.add(directory);
    const isHeld = layers.has(id) || (diffId !== undefined && pins.has(diffId));
    return { id, parents: parents.get(id) ?? [], description, origin, addedAt, usedAt, uses, isHeld, bytes };
  });
  const others = [...sizes].filter(([digest]) => !pins.has(digest));
  return { layers: usage, otherBlobs: others.map(([digest, bytes]) => ({ digest, bytes })) };
}

async function countDirectories(
  { bytes, database, places }: StoreParts,
  rows: readonly LayerUse[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const counted = new Map<string, number>();
  const unknown = rows.filter(({ id, directoryBytes }) => {
    if (directoryBytes !== undefined) counted.set(id, directoryBytes);
    return directoryBytes === undefined;
  });
  for (let at = 0; at < unknown.length; at += directoriesPerJob) {
    const some = unknown.slice(at, at + directoriesPerJob);
    const sums = await bytes.run("measure", { paths: some.map(({ id }) => places.layer(id)) }, { signal });
    database.transaction(() => {
      for (const [index, { id }] of some.entries()) {
        counted.set(id, sums[index] ?? 0);
        database.setDirectoryBytes(id, sums[index]);
      }
    });
  }
  return counted;
}
