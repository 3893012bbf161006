import type { pb } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { BridgeFileStat, BridgeRef } from "../frontends/mod.ts";
import { followPath } from "../ops/mod.ts";
import type { Graph } from "../../llb/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { Edge } from "../solver/mod.ts";
import type { TocEntry, Tree } from "../snapshots/mod.ts";
import type { JobEnvironment } from "./environment.ts";
import { openEntry } from "./open-entry.ts";

/** One output of a vertex of a build. */
export type ResultEdge = Edge<Ref, JobEnvironment>;

/** Files that are read whole are small; without a bound of their own this one holds. */
const readLimitBytes = 16 * 1024 * 1024;

/**
 * A result of the graph that is made when somebody first looks into it, once. Belongs to its build, which releases it in the end.
 * Paths are resolved inside of the tree, symlinks included.
 */
export class LazyResult implements BridgeRef, AsyncDisposable {
  readonly #make: () => Promise<Ref | undefined>;
  #made: Promise<Ref | undefined> | undefined;
  #isMade = false;

  /** What it is made of; `undefined` is the empty tree, or what no graph makes. */
  readonly definition: pb.Definition | undefined;

  /** Where it stands in the graph; `undefined` is the empty tree, or what no graph makes. */
  readonly edge: ResultEdge | undefined;

  /** Whether it is known to be the empty tree. */
  readonly isEmpty: boolean;

  /** {@link definition}, read; `undefined`: nobody has told it. */
  readonly graph: Graph | undefined;

  /** @param make gives the ref, to keep; `undefined` is the empty tree */
  constructor(
    make: () => Promise<Ref | undefined>,
    told: {
      readonly definition: pb.Definition | undefined;
      readonly edge: ResultEdge | undefined;
      readonly graph?: Graph | undefined;
      /** By default it is where there is no edge. */
      readonly isEmpty?: boolean;
    },
  ) {
    this.#make = make;
    this.definition = told.definition;
    this.edge = told.edge;
    this.graph = told.graph;
    this.isEmpty = told.isEmpty ?? told.edge === undefined;
  }

  /** The ref, made now if it has not been yet; held by this object, so clone it to keep it longer. */
  async build(): Promise<Ref | undefined> {
    if (!this.#made) {
      this.#made = this.#make();
      this.#made.then(
        () => (this.#isMade = true),
        () => undefined, // whoever looks gets the failure
      );
    }
    return await this.#made;
  }

  /** Whether it has been made. */
  get isMade(): boolean {
    return this.#isMade;
  }

  async readFile(
    path: string,
    options: {
      signal: AbortSignal;
      maxBytes?: number;
      startBytes?: number;
      range?: { readonly offsetBytes: number; readonly lengthBytes: number };
    },
  ): Promise<Uint8Array> {
    const { signal, maxBytes = readLimitBytes, startBytes } = options;
    const { range = { offsetBytes: 0, lengthBytes: startBytes ?? Number.MAX_SAFE_INTEGER } } = options;
    const { ref, entry } = await this.#find(path, signal);
    if (!ref || !entry) throw missing(path);
    if (entry.type !== "file") throw new BuildError("invalid_argument", `${path} is not a regular file`);
    const from = Math.min(range.offsetBytes, entry.size);
    const length = Math.min(entry.size - from, range.lengthBytes);
    if (length > maxBytes) {
      throw new BuildError("resource_exhausted", `${path} is too large: ${length} bytes, at most ${maxBytes} are read`);
    }
    const [located] = await ref.locate([entry], { signal });
    await using reader = await openEntry(located ?? entry);
    return await reader.read(from, length);
  }

  async stat(path: string, { signal }: { signal: AbortSignal }): Promise<BridgeFileStat | undefined> {
    const { entry } = await this.#find(path, signal);
    return entry && statOf(entry, path);
  }

  async readDir(path: string, { signal }: { signal: AbortSignal }): Promise<readonly BridgeFileStat[]> {
    return (await this.entries(path, { signal })).map((entry) => statOf(entry, baseName(entry.path)));
  }

  /** The entry that `path` leads to; `undefined` when it leads nowhere. */
  async entry(path: string, { signal }: { signal: AbortSignal }): Promise<TocEntry | undefined> {
    return (await this.#find(path, signal)).entry;
  }

  /** What lies directly in the directory that `path` leads to, sorted. @throws {BuildError} `not_found` */
  async entries(path: string, { signal }: { signal: AbortSignal }): Promise<readonly TocEntry[]> {
    const { tree, entry } = await this.#find(path, signal);
    if (!tree || !entry) throw missing(path);
    if (entry.type !== "dir") throw new BuildError("invalid_argument", `readdir ${path}: not a directory`);
    return tree
      .children(entry.path)
      .flatMap((name) => tree.get(entry.path === "" ? name : `${entry.path}/${name}`) ?? []);
  }

  async newestFile({ signal }: { signal: AbortSignal }): Promise<number | undefined> {
    const ref = await this.build();
    let newest: number | undefined;
    for (const { type, mtimeSec } of (await ref?.tree({ signal }))?.walk("") ?? []) {
      if (type === "file" && (newest === undefined || mtimeSec > newest)) newest = mtimeSec;
    }
    return newest;
  }

  async #find(path: string, signal: AbortSignal): Promise<{ ref?: Ref; tree?: Tree; entry?: TocEntry | undefined }> {
    const ref = await this.build();
    if (!ref) return {};
    const tree = await ref.tree({ signal });
    return { ref, tree, entry: tree.get(followPath(tree, path)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ref = await this.#made?.catch(() => undefined);
    await ref?.release();
  }
}

function missing(path: string): BuildError {
  return new BuildError("not_found", `open ${path}: no such file or directory`);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function statOf(entry: TocEntry, path: string): BridgeFileStat {
  const type =
    entry.type === "dir" ? "directory" : entry.type === "file" || entry.type === "symlink" ? entry.type : "other";
  return { path, type, size: entry.size };
}
