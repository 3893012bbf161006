import type { Descriptor, Digest } from "../../oci/mod.ts";
import type { TocEntry, Tree } from "../snapshots/mod.ts";
import { clampedBlob } from "./clamped-blob.ts";
import { codecOf } from "./codec.ts";
import type { StoreParts } from "./parts.ts";
import type { LayerBlob, Ref } from "./ref.ts";
import type { Layer } from "./layer.ts";
import type { Stack } from "./stack.ts";

/** A hold on a stack: what the rest of the engine calls a result. */
export class StackRef implements Ref {
  readonly #parts: StoreParts;
  readonly #stack: Stack;
  /** Blobs that were made for whoever holds this ref, and for nobody else. */
  readonly #pins: Disposable[] = [];
  #released = false;

  /** Takes over the caller's hold. */
  constructor(parts: StoreParts, stack: Stack) {
    this.#parts = parts;
    this.#stack = stack;
  }

  get id(): string {
    return this.#stack.id;
  }

  get createdAt(): Date | undefined {
    return this.#stack.layer?.createdAt;
  }

  /** The stack behind the ref. @throws when the ref was released */
  get stack(): Stack {
    if (this.#released) throw new Error(`Internal error: use of the released result ${this.id}`);
    return this.#stack;
  }

  clone(): Ref {
    return new StackRef(this.#parts, this.stack.hold());
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    for (const pin of this.#pins) pin[Symbol.dispose]();
    await this.#stack.release();
  }

  async tree(options: Parameters<Ref["tree"]>[0]): Promise<Tree> {
    return await this.stack.tree(options);
  }

  async lowerDirs(options: Parameters<Ref["lowerDirs"]>[0]): Promise<readonly string[]> {
    // A layer that comes twice (something was written, changed, and written again as it was) counts where it is topmost; overlayfs takes no directory twice.
    const topmostFirst = new Set(this.stack.layers().toReversed());
    return await Promise.all([...topmostFirst].map((layer) => layer.directory(options)));
  }

  async blobs(options: Parameters<Ref["blobs"]>[0]): Promise<readonly LayerBlob[]> {
    const codec = codecOf(options.compression);
    const { signal, progress, force = false, clamp } = options;
    const layers = this.stack.layers();
    const plain = (layer: Layer) => layer.blob(codec, { signal, progress, force });
    if (!clamp) return await Promise.all(layers.map(plain));
    const kept: LayerBlob[] = [];
    for (const [at, diffId] of clamp.base.entries()) {
      const layer = layers[at];
      const blob = layer && (await plain(layer));
      if (blob?.diffId !== diffId) break;
      kept.push(blob);
    }
    const clamping = { signal, progress, epochSec: clamp.epochSec };
    const made = await Promise.all(
      layers.slice(kept.length).map(async (layer) => {
        const pinned = await clampedBlob(this.#parts, layer, codec, clamping);
        this.#pins.push(pinned);
        return pinned.blob;
      }),
    );
    return [...kept, ...made];
  }

  knownBlobs(): readonly Descriptor[] | undefined {
    const known = this.stack.layers().map((layer) => layer.knownBlob());
    return known.every((descriptor) => descriptor !== undefined) ? known : undefined;
  }

  async locate(entries: readonly TocEntry[], options: Parameters<Ref["locate"]>[1]): Promise<readonly TocEntry[]> {
    const lacks = (entry: TocEntry): boolean => entry.type === "file" && !entry.content;
    if (!entries.some(lacks)) return entries;
    const layers = await this.#layersOf(entries.filter(lacks), options);
    const distinct = [...new Set(layers.values())];
    const made = await Promise.all(distinct.map((layer) => layer.directory(options)));
    const directories = new Map(distinct.map((layer, at) => [layer, made[at]]));
    return entries.map((entry) => {
      const layer = layers.get(entry);
      if (!layer) return entry;
      return { ...entry, content: { kind: "range", file: `${directories.get(layer)}/${entry.path}`, offsetBytes: 0 } };
    });
  }

  async digests(
    entries: readonly TocEntry[],
    options: Parameters<Ref["digests"]>[1],
  ): Promise<readonly (Digest | undefined)[]> {
    const lacking = entries.filter(({ type, digest }) => type === "file" && !digest);
    if (lacking.length === 0) return entries.map(({ digest }) => digest);
    const byLayer = Map.groupBy(await this.#layersOf(lacking, options), ([, layer]) => layer);
    const found = new Map<TocEntry, Digest | undefined>();
    await Promise.all(
      [...byLayer].map(async ([layer, list]) => {
        const digests = await layer.digests(
          list.map(([{ path }]) => path),
          options,
        );
        for (const [at, [entry]] of list.entries()) found.set(entry, digests[at]);
      }),
    );
    return entries.map((entry) => entry.digest ?? found.get(entry));
  }

  async layerFinder(options: { signal: AbortSignal }): Promise<(path: string) => number | undefined> {
    const tree = await this.stack.tree(options);
    const indexes = new Map(this.stack.layers().map((layer, at) => [layer, at]));
    return (path) => {
      const toc = tree.layerOf(path);
      const layer = toc && this.#parts.layerOfToc.get(toc);
      return layer && indexes.get(layer);
    };
  }

  /** Which layer each entry of the tree comes from. */
  async #layersOf(
    entries: readonly TocEntry[],
    options: { signal: AbortSignal },
  ): Promise<ReadonlyMap<TocEntry, Layer>> {
    const tree = await this.stack.tree(options);
    return new Map(
      entries.map((entry) => {
        const toc = tree.layerOf(entry.path);
        const layer = toc && this.#parts.layerOfToc.get(toc);
        if (!layer) throw new Error(`Internal error: "${entry.path}" is in no layer of this result`);
        return [entry, layer];
      }),
    );
  }
}
