import { BuildError } from "../../base/errors/mod.ts";
import { comparePaths, joinPath, parentOf } from "./path-order.ts";
import { sortToc } from "./sort-toc.ts";
import type { LayerToc, TocEntry } from "./toc.ts";
import { impliedDirectory, type MergedTree } from "./tree.ts";

/** A layer's table that makes sense on its own, and what that means for a directory the archive was unpacked into as it stood. */
export interface CompletedLayer {
  readonly toc: LayerToc;
  /** Directories to be moved first: the archive named them through a link of a lower layer. In order. */
  readonly moves: readonly { readonly from: string; readonly to: string }[];
  /** Files that are other names of files in lower layers: `target` is their path there. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** Whether a layer says everything itself, so that {@link completeLayer} would change nothing whatever lies below. */
export function isComplete(toc: LayerToc): boolean {
  if (toc.whiteouts.length > 0 || toc.opaques.length > 0) return false;
  const known = new Map(toc.entries.map((entry) => [entry.path, entry.type]));
  return toc.entries.every(
    ({ path, hardlink }) =>
      (path === "" || parentOf(path) === "" || known.get(parentOf(path)) === "dir") &&
      (hardlink === undefined || known.has(hardlink)),
  );
}

/**
 * Adds to `layer` what its archive left to the layers below (`lower`): metadata of parent directories that it does not mention, files that it
 * only links to, names that lead through links. Deletions of what does not exist are dropped. The result stands in an overlay beside any others.
 * @throws {BuildError} `invalid_argument` when it links to a file that does not exist
 */
export function completeLayer(layer: LayerToc, lower: MergedTree): CompletedLayer {
  const moved = moveThroughLinks(layer, lower);
  const known = new Map(moved.toc.entries.map((entry) => [entry.path, entry]));
  const links: { path: string; target: string }[] = [];
  const entries: TocEntry[] = [];
  for (const entry of moved.toc.entries) {
    if (entry.hardlink === undefined || known.has(entry.hardlink)) {
      entries.push(entry);
      continue;
    }
    const target = realDirectory(parentOf(entry.hardlink), known, lower);
    const path = joinPath(target, entry.hardlink.slice(entry.hardlink.lastIndexOf("/") + 1));
    const linked = lower.get(path);
    if (!linked || linked.type === "dir") {
      throw new BuildError("invalid_argument", `"${entry.path}" links to "${entry.hardlink}", which does not exist`);
    }
    const { hardlink: _, content: __, ...alone } = linked;
    entries.push({ ...alone, path: entry.path });
    links.push({ path: entry.path, target: path });
  }
  const changed = [...moved.toc.entries.map(({ path }) => path), ...moved.toc.whiteouts].map(parentOf);
  for (const path of [...changed, ...moved.toc.opaques]) addParents(path, known, lower, entries);
  const whiteouts = moved.toc.whiteouts.filter((path) => lower.get(path) !== undefined);
  const opaques = moved.toc.opaques.filter((path) => path === "" || lower.get(path)?.type === "dir");
  return { toc: sortToc({ entries, whiteouts, opaques }), moves: moved.moves, links };
}

function addParents(path: string, known: Map<string, TocEntry>, lower: MergedTree, entries: TocEntry[]): void {
  for (let at = path; at !== "" && !known.has(at); at = parentOf(at)) {
    const below = lower.get(at);
    const entry = below?.type === "dir" ? below : impliedDirectory(at);
    known.set(at, entry);
    entries.push(entry);
  }
}

/** Directories that are links below (`lib` → `usr/lib`) would be hidden by a real one of that name: their entries go where the link leads. */
function moveThroughLinks(layer: LayerToc, lower: MergedTree): Pick<CompletedLayer, "toc" | "moves"> {
  const known = new Map(layer.entries.map((entry) => [entry.path, entry]));
  const moves: { from: string; to: string }[] = [];
  const checked = new Set<string>();
  const parents = [
    ...layer.entries.map(({ path }) => path),
    ...layer.whiteouts,
    ...layer.opaques.map((path) => `${path}/.`),
  ];
  for (const path of parents) {
    for (const directory of prefixes(parentOf(path))) {
      if (checked.has(directory)) continue;
      checked.add(directory);
      if (known.has(directory) || lower.get(directory)?.type !== "symlink") continue;
      if (moves.some(({ from }) => directory.startsWith(`${from}/`))) continue;
      const to = realDirectory(directory, known, lower);
      if (to !== directory) moves.push({ from: directory, to });
    }
  }
  if (moves.length === 0) return { toc: layer, moves };
  const move = (path: string): string => {
    const found = moves.find(({ from }) => path === from || path.startsWith(`${from}/`));
    return found ? joinPath(found.to, path.slice(found.from.length + 1)).replace(/\/$/, "") : path;
  };
  const entries = new Map<string, TocEntry>();
  for (const entry of layer.entries) {
    const path = move(entry.path);
    entries.set(
      path,
      entry.hardlink === undefined ? { ...entry, path } : { ...entry, path, hardlink: move(entry.hardlink) },
    );
  }
  const toc = sortToc({
    entries: [...entries.values()],
    whiteouts: layer.whiteouts.map(move),
    opaques: layer.opaques.map(move),
  });
  return { toc, moves: moves.toSorted((a, b) => comparePaths(a.from, b.from)) };
}

/** Where the directory `path` really is, with links of both the layer and `lower` followed inside the tree. */
function realDirectory(path: string, own: ReadonlyMap<string, TocEntry>, lower: MergedTree): string {
  let real = "";
  let links = 0;
  const todo = path.split("/").toReversed();
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      real = parentOf(real);
      continue;
    }
    const next = joinPath(real, name);
    const entry = own.get(next) ?? lower.get(next);
    if (entry?.type !== "symlink") {
      real = next;
      continue;
    }
    if (++links > 255) throw new BuildError("invalid_argument", `"${path}" goes through too many links`);
    const target = entry.linkname ?? "";
    if (target.startsWith("/")) real = "";
    todo.push(...target.split("/").toReversed());
  }
  return real;
}

function* prefixes(path: string): Iterable<string> {
  for (let cut = path.indexOf("/"); cut >= 0; cut = path.indexOf("/", cut + 1)) yield path.slice(0, cut);
  if (path !== "") yield path;
}
