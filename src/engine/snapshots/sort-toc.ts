import { comparePaths } from "./path-order.ts";
import type { LayerToc, TocEntry } from "./toc.ts";

/**
 * The same table in the order that every table has: entries sorted, of a file with several names the first being the file, deletions sorted
 * and only where nothing took the place (a directory that did is opaque).
 */
export function sortToc(toc: LayerToc): LayerToc {
  const entries = firstNames(toc.entries.toSorted((a, b) => comparePaths(a.path, b.path)));
  if (toc.whiteouts.length === 0 && toc.opaques.length === 0) return { entries, whiteouts: [], opaques: [] };
  const types = new Map(entries.map((entry) => [entry.path, entry.type]));
  const opaques = new Set(toc.opaques);
  for (const path of toc.whiteouts) if (types.get(path) === "dir") opaques.add(path);
  return {
    entries,
    whiteouts: [...new Set(toc.whiteouts)].filter((path) => !types.has(path)).sort(comparePaths),
    opaques: [...opaques].filter((path) => (types.get(path) ?? "dir") === "dir").sort(comparePaths),
  };
}

/** Makes the first name in order the file and the others its links: an archive may have them the other way round. */
function firstNames(sorted: TocEntry[]): TocEntry[] {
  if (!sorted.some((entry) => entry.hardlink !== undefined)) return sorted;
  const firstOf = new Map<string, string>();
  const known = new Set(sorted.map((entry) => entry.path));
  for (const { path, hardlink } of sorted) {
    if (hardlink !== undefined && known.has(hardlink) && !firstOf.has(hardlink)) firstOf.set(hardlink, path);
  }
  const position = new Map(sorted.map((entry, index) => [entry.path, index]));
  return sorted.map((entry) => {
    const file = entry.hardlink ?? entry.path;
    const link = firstOf.get(file);
    if (link === undefined) return entry;
    const first = (position.get(link) ?? 0) < (position.get(file) ?? 0) ? link : file;
    if (entry.path !== first) return { ...entry, hardlink: first };
    const { hardlink: _, ...alone } = entry;
    return alone;
  });
}
