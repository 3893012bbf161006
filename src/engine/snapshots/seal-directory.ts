import { lstatSync, renameSync } from "node:fs";
import type { CompletedLayer } from "./complete-layer.ts";
import { joinPath } from "./path-order.ts";
import { namesIn } from "./names-in.ts";
import type { LayerToc } from "./toc.ts";
import { TreeWriter } from "./tree-writer.ts";

/** What {@link sealDirectory} does to an unpacked directory; see {@link CompletedLayer}. */
export interface Sealing {
  readonly toc: LayerToc;
  readonly moves: CompletedLayer["moves"];
  /** `target` absolute: where the file is on disk. */
  readonly links: CompletedLayer["links"];
}

/**
 * Turns a directory into which a `LayerReader` has written into a lower directory of an overlay: moves what the archive named through
 * lower links, adds links to lower files, marks deletions, and gives every directory its metadata (last, since the rest changes their times).
 */
export function sealDirectory(root: string, { toc, moves, links }: Sealing): void {
  const writer = new TreeWriter(root);
  for (const { path, type } of toc.entries) if (type === "dir") writer.directory(path);
  for (const { from, to } of moves) mergeInto(writer, from, to);
  for (const { path, target } of links) writer.link(path, target);
  for (const path of toc.whiteouts) writer.whiteout(path);
  for (const path of toc.opaques) writer.opaque(path);
  for (const entry of toc.entries.toReversed()) if (entry.type === "dir") writer.directoryMetadata(entry.path, entry);
}

/** Moves everything in the directory `from` into the directory `to`; directories of both are united, else what is moved wins. */
function mergeInto(writer: TreeWriter, from: string, to: string): void {
  writer.directory(to);
  for (const name of namesIn(writer.at(from))) {
    const [old, fresh] = [joinPath(from, name), joinPath(to, name)];
    const existing = lstatSync(writer.at(fresh), { throwIfNoEntry: false });
    if (existing?.isDirectory() && lstatSync(writer.at(old)).isDirectory()) {
      mergeInto(writer, old, fresh);
      continue;
    }
    if (existing) writer.remove(fresh);
    renameSync(writer.at(old), writer.at(fresh));
  }
  writer.remove(from);
}
