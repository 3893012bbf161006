import { rename, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Semaphore, SingleFlight } from "../../base/async/mod.ts";
import type { ContentStore } from "../../content/mod.ts";
import type { ByteWorkers } from "../bytes/mod.ts";
import type { LayerToc } from "../snapshots/mod.ts";
import type { RefDatabase } from "./database.ts";
import type { Layer } from "./layer.ts";
import type { Pins } from "./pins.ts";
import type { Places } from "./places.ts";
import type { Remotes } from "./remotes.ts";
import type { Stack } from "./stack.ts";
import type { UseJournal } from "./use-journal.ts";

/** What everything in one store shares. */
export interface StoreParts {
  readonly places: Places;
  readonly database: RefDatabase;
  readonly content: ContentStore;
  readonly bytes: ByteWorkers;
  /** Work under way, by what it makes. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the key says what comes out
  readonly flights: SingleFlight<string, any>;
  /** Held layers by id: each exists once. */
  readonly layers: Map<string, Layer>;
  /** Held stacks by id: each exists once. */
  readonly stacks: Map<string, Stack>;
  /** Which layer a table in a merged tree belongs to. */
  readonly layerOfToc: WeakMap<LayerToc, Layer>;
  /** Where blobs that are not here can be fetched. */
  readonly remotes: Remotes;
  readonly journal: UseJournal;
  /** Blobs that nobody may remove though no layer needs them yet. */
  readonly pins: Pins;
  /** Bounds how many removed trees are deleted at once, so that builds find worker threads that are free. */
  readonly deletions: Semaphore;
  readonly now: () => Date;
}

/** Deletes a tree on a worker thread; for litter, so a failure is left to the sweep at the next start. */
export async function removeTree({ bytes }: StoreParts, path: string): Promise<void> {
  await bytes.run("remove", { path }, { signal: new AbortController().signal }).catch(() => undefined);
}

/** Puts a file in its place by a rename. */
export async function writeAtomically({ places }: StoreParts, path: string, data: Uint8Array): Promise<void> {
  const directory = await places.makeTemporary();
  const file = join(directory, "file");
  await writeFile(file, data);
  await rename(file, path);
  await rmdir(directory);
}
