import { existsSync, renameSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Digest } from "../../oci/mod.ts";
import { removeTree, type StoreParts } from "./parts.ts";

/** What came of removing something. */
export interface Removed {
  /** Results that are no more, as `save` named them. */
  readonly saved: readonly string[];
  /** Settles when the bytes are deleted as well; never rejects. */
  readonly deleted: Promise<void>;
}

/**
 * Removes a layer that nobody holds and nothing stands on. All of it, but for deleting bytes, happens in one turn of the main thread, in which
 * nobody can come to hold it: rows go first, then directory and blobs by renames. Killed between the two, the next start finishes what the rows say.
 * @param goesToo layers that will be removed next: that they stand on this one keeps nothing. (In merges, layers may stand on each other both ways.)
 */
export function removeLayer(
  parts: StoreParts,
  id: string,
  goesToo: (layer: string) => boolean = () => false,
): Removed | undefined {
  const { database, layers, pins } = parts;
  const row = database.layer(id);
  if (!row || layers.has(id) || (row.diffId && pins.has(row.diffId))) return undefined;
  const mayGo = (above: string) => goesToo(above) && !layers.has(above);
  if (database.hasAbove(id) && !database.layersAbove(id).every(mayGo)) return undefined;
  let gone: ReturnType<typeof database.removeLayer> | undefined;
  database.transaction(() => {
    gone = database.removeLayer(id, (digest) => pins.has(digest));
  });
  const { stacks, doomed } = gone ?? { stacks: [], doomed: [] };
  const directory = isShared(parts, id) ? undefined : moveAway(parts, parts.places.layer(id));
  const blobs = deleteBlobs(parts, doomed);
  const deleted = Promise.all([blobs, directory && deleteTree(parts, directory)]).then(() => undefined);
  return { saved: stacks.map((stack) => `stack:${stack}`), deleted };
}

/** Removes blobs that belong to no layer, in the same way. */
export function removeBlobs(parts: StoreParts, digests: readonly Digest[]): Removed {
  const { database, pins } = parts;
  const doomed = digests.filter((digest) => !database.needsBlob(digest) && !pins.has(digest));
  database.transaction(() => database.removeBlobs(doomed));
  return { saved: [], deleted: deleteBlobs(parts, doomed) };
}

/** Deletes the blobs of removals that were begun before the process died. */
export async function finishRemovals(parts: StoreParts): Promise<void> {
  const { database } = parts;
  const doomed = database.doomed();
  await deleteBlobs(
    parts,
    doomed.filter((digest) => !database.needsBlob(digest)),
  );
  database.spare(doomed);
}

/** Takes blobs away at once; settles when their bytes are deleted, too. */
async function deleteBlobs({ content, database }: StoreParts, digests: readonly Digest[]): Promise<void> {
  const ends = await Promise.allSettled(digests.map((digest) => content.remove(digest)));
  const done = digests.filter((_, at) => ends[at]?.status === "fulfilled");
  if (done.length > 0 && database.isOpen) database.transaction(() => database.spare(done));
}

/** Deletes what is out of everybody's way already, when its turn comes. */
export async function deleteTree(parts: StoreParts, path: string): Promise<void> {
  using _turn = await parts.deletions.acquire();
  await removeTree(parts, path);
}

/** An image's lowest layer and the same layer made here have one directory. */
function isShared({ database, layers }: StoreParts, id: string): boolean {
  const [, name = ""] = /^[a-z0-9]+:(.*)$/.exec(id) ?? [];
  return ["sha256", "packed"].some((kind) => {
    const twin = `${kind}:${name}`;
    return twin !== id && (layers.has(twin) || database.layer(twin) !== undefined);
  });
}

/** Puts a directory among the litter, where a start-up finds it. */
function moveAway({ places }: StoreParts, path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const moved = join(places.temporary, `removed-${randomUUID()}`);
  renameSync(path, moved);
  return moved;
}
