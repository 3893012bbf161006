import type { LayerToc, TocEntry, Tree } from "./toc.ts";

/**
 * Which names of a tree are names of one file. A layer says so of names of its own, by the first of them; that one may have been replaced by a
 * higher layer since, and then the others still are the file that they were.
 */
export class LinkGroups {
  readonly #tree: Pick<Tree, "layerOf">;
  /** Files that have several names, by the first of them. */
  readonly #firsts = new Set<string>();
  readonly #groups = new Map<LayerToc | undefined, Map<string, object>>();

  /** @param entries those of `tree` that matter */
  constructor(tree: Pick<Tree, "layerOf">, entries: Iterable<TocEntry>) {
    this.#tree = tree;
    for (const { hardlink } of entries) if (hardlink !== undefined) this.#firsts.add(hardlink);
  }

  /** The same object for all names of one file; `undefined` for a file with one name, and for what is none. */
  of({ type, path, hardlink }: TocEntry): object | undefined {
    const first = hardlink ?? path;
    if (type !== "file" || !this.#firsts.has(first)) return undefined;
    const layer = this.#tree.layerOf(path);
    let ofLayer = this.#groups.get(layer);
    if (!ofLayer) this.#groups.set(layer, (ofLayer = new Map()));
    let group = ofLayer.get(first);
    if (!group) ofLayer.set(first, (group = {}));
    return group;
  }
}
