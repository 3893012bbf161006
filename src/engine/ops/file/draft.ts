import { BuildError } from "../../../base/errors/mod.ts";
import type { Ref } from "../../refs/mod.ts";
import { comparePaths, joinPath, type LayerToc, parentOf, type TocEntry, type Tree } from "../../snapshots/mod.ts";

/** Where the bytes of an entry come from when its own `content` does not say: an entry of a ref's tree. */
export interface Origin {
  readonly ref: Ref;
  readonly entry: TocEntry;
}

/** The largest images that people make have half of it, in all of their layers. */
const maxEntries = 1_000_000;

/**
 * A tree that is being changed: what was done so far on top of a base that stays as it is. Nothing touches a disk; at the end
 * {@link plan} says what the changes amount to as one layer.
 */
export class Draft implements Tree {
  readonly #base: Tree;
  readonly #maxEntries: number;
  readonly #entries = new Map<string, TocEntry>();
  readonly #origins = new Map<string, Origin>();
  /** Files that are names of one file carry the same mark. */
  readonly #links = new Map<string, object>();
  /** Names that were added to a directory. */
  readonly #added = new Map<string, Set<string>>();
  /** Paths at and below which the base is gone. */
  readonly #cut = new Set<string>();

  constructor(base: Tree, limit: number = maxEntries) {
    this.#base = base;
    this.#maxEntries = limit;
  }

  /** Nothing was changed. */
  get untouched(): boolean {
    return this.#entries.size === 0 && this.#cut.size === 0;
  }

  get(path: string): TocEntry | undefined {
    return this.#entries.get(path) ?? this.#baseEntry(path);
  }

  /** Where the bytes of the file at `path` come from; `undefined` for what the base or memory holds. */
  originOf(path: string): Origin | undefined {
    return this.#origins.get(path);
  }

  children(path: string): readonly string[] {
    const added = this.#added.get(path);
    const kept = this.#isCut(path)
      ? []
      : this.#base.children(path).filter((name) => !added?.has(name) && !this.#cut.has(joinPath(path, name)));
    return added ? [...kept, ...added].sort(comparePaths) : kept;
  }

  *walk(path: string): Iterable<TocEntry> {
    const entry = this.get(path);
    if (!entry) return;
    yield entry;
    if (entry.type !== "dir") return;
    for (const name of this.children(path)) yield* this.walk(joinPath(path, name));
  }

  layerOf(path: string): LayerToc | undefined {
    return this.#entries.has(path) || this.#isCut(path) ? undefined : this.#base.layerOf(path);
  }

  /**
   * Puts an entry in place of what is at its path; a directory over a directory keeps what is in it. The parent must exist.
   * @param options `link`: the same object for all names of one file
   * @throws {BuildError} `resource_exhausted` beyond a million entries: copies of copies would fill any memory
   */
  put(entry: TocEntry, options: { origin?: Origin | undefined; link?: object | undefined } = {}): void {
    const { path } = entry;
    const before = this.get(path);
    if (before && !(before.type === "dir" && entry.type === "dir")) this.remove(path);
    this.#entries.set(path, withoutHardlink(entry));
    if (this.#entries.size > this.#maxEntries) {
      throw new BuildError(
        "resource_exhausted",
        `a step makes more than ${this.#maxEntries} files and directories: make them in several`,
      );
    }
    if (options.origin) this.#origins.set(path, options.origin);
    if (options.link) this.#links.set(path, options.link);
    if (path === "") return;
    const name = path.slice(path.lastIndexOf("/") + 1);
    const names = this.#added.get(parentOf(path));
    if (names) names.add(name);
    else this.#added.set(parentOf(path), new Set([name]));
  }

  /** Removes what is at `path`, with everything below. */
  remove(path: string): void {
    this.#forget(path);
    this.#added.get(parentOf(path))?.delete(path.slice(path.lastIndexOf("/") + 1));
    if (this.#baseEntry(path)) this.#cut.add(path);
  }

  /**
   * The changes as a layer. Directories on the way to a change are listed as they are, so that an unpacker that starts from nothing
   * gives them their metadata.
   */
  plan(): LayerToc {
    const entries = new Map<string, TocEntry>();
    const addParents = (path: string) => {
      for (let at = parentOf(path); at !== "" && !entries.has(at); at = parentOf(at)) {
        const parent = this.get(at);
        if (parent) entries.set(at, parent);
      }
    };
    const whiteouts: string[] = [];
    const opaques: string[] = [];
    for (const [path, entry] of this.#entries) {
      addParents(path);
      entries.set(path, entry);
    }
    for (const path of this.#cut) {
      if (this.#isCut(parentOf(path))) continue; // went with its directory
      const now = this.#entries.get(path);
      if (!now) {
        whiteouts.push(path);
        addParents(path);
      } else if (now.type === "dir" && this.#base.get(path)?.type === "dir") {
        opaques.push(path);
      }
    }
    const sorted = [...entries.values()].sort((a, b) => comparePaths(a.path, b.path));
    return {
      entries: this.#withHardlinks(sorted),
      whiteouts: whiteouts.sort(comparePaths),
      opaques: opaques.sort(comparePaths),
    };
  }

  /** Of the names of one file, the first in order is the file and the others are links to it. */
  #withHardlinks(sorted: readonly TocEntry[]): readonly TocEntry[] {
    if (this.#links.size === 0) return sorted;
    const firsts = new Map<object, string>();
    return sorted.map((entry) => {
      const link = this.#links.get(entry.path);
      if (!link) return entry;
      const first = firsts.get(link);
      if (first !== undefined) return { ...entry, hardlink: first };
      firsts.set(link, entry.path);
      return entry;
    });
  }

  #baseEntry(path: string): TocEntry | undefined {
    return this.#isCut(path) ? undefined : this.#base.get(path);
  }

  #isCut(path: string): boolean {
    if (this.#cut.size === 0) return false;
    for (let at = path; at !== ""; at = parentOf(at)) if (this.#cut.has(at)) return true;
    return false;
  }

  #forget(path: string): void {
    for (const name of this.#added.get(path) ?? []) this.#forget(joinPath(path, name));
    this.#added.delete(path);
    this.#entries.delete(path);
    this.#origins.delete(path);
    this.#links.delete(path);
  }
}

/** Links are told by marks: the path that an entry is a link to means nothing here. */
function withoutHardlink(entry: TocEntry): TocEntry {
  if (entry.hardlink === undefined) return entry;
  const { hardlink: _, ...alone } = entry;
  return alone;
}
