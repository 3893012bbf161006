import { chmod, chown, lstat, mkdir, rename, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { decodeToc, encodeToc, type LayerToc } from "../snapshots/mod.ts";
import { UpperLayer } from "./made-layers.ts";
import { removeTree, type StoreParts } from "./parts.ts";
import type { MutableRef, Ref } from "./ref.ts";
import { Stack } from "./stack.ts";
import { StackRef } from "./stack-ref.ts";
import { withoutUntouchedDirectories } from "./untouched-directories.ts";

interface RootMetadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** The directories of an overlay in which one process writes. */
export class UpperTree implements MutableRef {
  readonly overlay: MutableRef["overlay"];
  readonly #parts: StoreParts;
  readonly #home: string;
  readonly #root: RootMetadata;
  #parent: Stack | undefined;
  #committed: Ref | undefined;

  private constructor(parts: StoreParts, home: string, lower: readonly string[], parent: Stack, root: RootMetadata) {
    this.#parts = parts;
    this.#home = home;
    this.#parent = parent;
    this.#root = root;
    this.overlay = { lower, upper: join(home, "fs"), work: join(home, "work") };
  }

  /** Takes over the caller's hold on `parent`. @param lower its directories, topmost first */
  static async open(parts: StoreParts, parent: Stack, lower: readonly string[]): Promise<UpperTree> {
    const stackable = lower.length > 0 ? lower : [parts.places.empty];
    const { mode, uid, gid } = await lstat(stackable[0] as string);
    const root = { mode: mode & 0o7777, uid, gid };
    const home = await parts.places.makeTemporary();
    const tree = new UpperTree(parts, home, stackable, parent, root);
    // An overlay's root has the metadata of the upper directory: it must look as it did before.
    await mkdir(tree.overlay.upper);
    await chown(tree.overlay.upper, uid, gid);
    await chmod(tree.overlay.upper, root.mode);
    await mkdir(tree.overlay.work, { mode: 0o700 });
    return tree;
  }

  async commit(options: Parameters<MutableRef["commit"]>[0]): Promise<Ref> {
    if (this.#committed) return this.#committed.clone();
    const parent = this.#parent;
    if (!parent) throw new Error("Internal error: commit of a tree that was discarded");
    const { places, database, bytes, now } = this.#parts;
    const { upper } = this.overlay;
    // Most of what processes write is never asked for its digest: see FileDigests.
    const scan = { root: upper, kind: "upper", hash: "linked" } as const;
    const { toc } = await bytes.run("scan", scan, { signal: options.signal });
    const marked = await this.#withoutIdleMarks(withoutSameRoot(decodeToc(toc), this.#root));
    const own = withoutUntouchedDirectories(marked, await parent.tree(options));
    const id = `run:${randomUUID()}`;
    const createdAt = now();
    const file = join(this.#home, "toc");
    await writeFile(file, encodeToc(own));
    await mkdir(places.layer(id));
    await rename(upper, places.directory(id));
    await rename(file, places.toc(id));
    const { description } = options;
    const diffId = undefined;
    const row = { id, kind: "upper", below: undefined, diffId, createdAt, description, descriptor: undefined } as const;
    database.addLayer(row, createdAt);
    const layer = new UpperLayer(this.#parts, { id, diffId, createdAt, untilReleased: options.untilReleased });
    this.#parts.layers.set(id, layer);
    this.#parent = undefined;
    this.#committed = new StackRef(this.#parts, Stack.push(this.#parts, parent, layer));
    await removeTree(this.#parts, this.#home);
    return this.#committed;
  }

  /** A directory that was renamed is opaque to overlayfs even where nothing lies below it. */
  async #withoutIdleMarks(toc: LayerToc): Promise<LayerToc> {
    const { lower } = this.overlay;
    const hidesSomething = async (path: string): Promise<boolean> => {
      const below = await Promise.all(lower.map((directory) => lstat(join(directory, path)).catch(() => undefined)));
      return below.some((stats) => stats?.isDirectory());
    };
    const hides = await Promise.all(toc.opaques.map(hidesSomething));
    return { ...toc, opaques: toc.opaques.filter((_, at) => hides[at]) };
  }

  async discard(): Promise<void> {
    const parent = this.#parent;
    if (!parent) return;
    this.#parent = undefined;
    await removeTree(this.#parts, this.#home);
    await parent.release();
  }
}

/** Every upper directory has a root; it is part of the layer only when the process changed it. */
function withoutSameRoot(toc: LayerToc, root: RootMetadata): LayerToc {
  const [first] = toc.entries;
  const same = first?.path === "" && first.mode === root.mode && first.uid === root.uid && first.gid === root.gid;
  return same && !first.xattrs ? { ...toc, entries: toc.entries.slice(1) } : toc;
}
