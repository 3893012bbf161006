import { randomUUID } from "node:crypto";
import { makeDirectory } from "../../base/files/mod.ts";
import { chainIds, type Digest } from "../../oci/mod.ts";
import { completeLayer, isComplete, type LayerToc, sortToc } from "../snapshots/mod.ts";
import type { LayerOrigin } from "./database.ts";
import { ImageLayer } from "./image-layer.ts";
import type { Layer } from "./layer.ts";
import { LooseLayer, PackedLayer } from "./made-layers.ts";
import { packIntoStore } from "./make-blob.ts";
import { type StoreParts, writeAtomically } from "./parts.ts";
import type { ImageLayerOptions, LayerPlan, MutableRef, Ref, RemoteLayer } from "./ref.ts";
import { type Removed, removeBlobs, removeLayer } from "./removal.ts";
import { loadStack, saveStack } from "./saved-stacks.ts";
import { scratchId, Stack } from "./stack.ts";
import { StackRef } from "./stack-ref.ts";
import type { OpenedRefStore } from "./open.ts";
import { type StoreUsage, storeUsage } from "./usage.ts";
import { UpperTree } from "./upper-tree.ts";

/** The one implementation of `RefStore`. */
export class Store implements OpenedRefStore {
  readonly #parts: StoreParts;
  readonly #scratch: Stack;
  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#scratch = Stack.scratch(parts);
  }

  scratch(): Ref {
    return this.#ref(this.#scratch.hold());
  }

  offer(layers: readonly RemoteLayer[]): void {
    for (const layer of layers) this.#parts.remotes.offer(layer);
  }

  async fromImage(layers: readonly RemoteLayer[], options: ImageLayerOptions): Promise<Ref> {
    const { database } = this.#parts;
    this.offer(layers);
    const ids = chainIds(layers.map(({ diffId }) => diffId));
    await Promise.all(layers.map((remote, at) => this.#preferReachable(ids[at] ?? "", remote)));
    let stack = this.#scratch.hold();
    database.transaction(() => {
      for (const [at, remote] of layers.entries()) {
        const layer = this.#imageLayer(remote, ids[at] ?? "", stack, options);
        stack = Stack.push(this.#parts, stack, layer);
      }
      saveStack(database, stack);
    });
    return this.#ref(stack);
  }

  async fromDirectory(_root: string, toc: LayerToc, _options: { description: string }): Promise<Ref> {
    const id = `loose:${randomUUID()}`;
    const temporary = await this.#parts.places.makeTemporary();
    return this.#push(
      this.#scratch.hold(),
      new LooseLayer(this.#parts, { id, toc, temporary, createdAt: this.#parts.now() }),
    );
  }

  async mutable(parent: Ref, options: { signal: AbortSignal; description: string }): Promise<MutableRef> {
    const below = stackOf(parent).hold();
    try {
      return await UpperTree.open(this.#parts, below, await parent.lowerDirs(options));
    } catch (error) {
      await below.release();
      throw error;
    }
  }

  async writeLayer(
    parent: Ref,
    plan: LayerPlan,
    options: { signal: AbortSignal; description: string; origin?: LayerOrigin },
  ): Promise<{ readonly ref: Ref; readonly changed: readonly string[] }> {
    const { places, database, now } = this.#parts;
    const below = stackOf(parent).hold();
    try {
      const sorted = sortToc(plan);
      const toc = isSelfContained(sorted) ? sorted : completeLayer(sorted, await below.tree(options)).toc;
      const { signal, description, origin } = options;
      const packing = { signal, id: description, verify: true };
      using packed = await packIntoStore(this.#parts, toc, { type: "uncompressed" }, packing);
      if (!packed.verified) throw new Error("Internal error: a layer was packed unverified");
      const id = `packed:${packed.diffId.slice("sha256:".length)}`;
      // The same tar made before, on whatever parent, is the same layer: its directory and its compressed forms serve again.
      if (!database.layer(id)) {
        await makeDirectory(places.layer(id));
        await writeAtomically(this.#parts, places.toc(id), packed.verified.toc);
        const { diffId } = packed;
        const at = now();
        const row = { id, kind: "packed", below: undefined, diffId, createdAt: at, description } as const;
        database.addLayer({ ...row, descriptor: undefined, origin }, at);
      }
      const createdAt = database.layer(id)?.createdAt ?? now();
      const known = this.#parts.layers.get(id);
      const layer = known?.hold() ?? new PackedLayer(this.#parts, { id, diffId: packed.diffId, createdAt });
      return { ref: this.#push(below.hold(), layer), changed: packed.verified.changed };
    } finally {
      await below.release();
    }
  }

  stack(refs: readonly Ref[]): Ref {
    const [first, ...others] = refs.map(stackOf);
    // Topmost first: a layer that comes twice puts everything of its own there again, so it counts where it comes last. (And overlayfs takes no
    // directory twice.) Never all layers of all stacks at once: many may share most of theirs.
    const layers = new Set<Layer>();
    for (const other of others.toReversed()) for (const layer of other.layers().toReversed()) layers.add(layer);
    const lower = first?.layers() ?? [];
    const isWhole = new Set(lower).size === lower.length && !lower.some((layer) => layers.has(layer));
    const whole = isWhole ? first : undefined; // its stack serves as it is
    if (!whole) for (const layer of lower.toReversed()) layers.add(layer);
    let stack = (whole ?? this.#scratch).hold();
    for (const layer of [...layers].reverse()) stack = Stack.push(this.#parts, stack, layer.hold());
    return this.#ref(stack);
  }

  above(ref: Ref, base: Ref): Ref | undefined {
    const upper = stackOf(ref).layers();
    const lower = stackOf(base).layers();
    if (!lower.every((layer, at) => upper[at] === layer)) return undefined;
    let stack = this.#scratch.hold();
    for (const layer of upper.slice(lower.length)) stack = Stack.push(this.#parts, stack, layer.hold());
    return this.#ref(stack);
  }

  save(ref: Ref): string | undefined {
    const stack = stackOf(ref);
    if (!stack.isStored) return undefined;
    this.#parts.database.transaction(() => saveStack(this.#parts.database, stack));
    return `stack:${stack.id}`;
  }

  async load(saved: string): Promise<Ref | undefined> {
    if (!saved.startsWith("stack:")) return undefined;
    const stack = await loadStack(this.#parts, saved.slice("stack:".length));
    return stack && this.#ref(stack);
  }

  noteKnownIn(digest: Digest, repository: string): void {
    this.#parts.database.addKnownIn(digest, repository);
  }

  async usage(options: { signal: AbortSignal }): Promise<StoreUsage> {
    return await storeUsage(this.#parts, options);
  }

  remove(id: string, goesToo?: (layer: string) => boolean): Removed | undefined {
    return removeLayer(this.#parts, id, goesToo);
  }

  removeBlobs(digests: readonly Digest[]): Removed {
    return removeBlobs(this.#parts, digests);
  }

  isKnown(saved: string): boolean {
    const id = saved.replace(/^stack:/, "");
    return id === scratchId || this.#parts.database.stack(id) !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#parts.journal[Symbol.dispose]();
    this.#parts.database[Symbol.dispose]();
  }

  #ref(stack: Stack): Ref {
    return new StackRef(this.#parts, stack);
  }

  #push(below: Stack, layer: Layer): Ref {
    this.#parts.layers.set(layer.id, layer);
    return this.#ref(Stack.push(this.#parts, below, layer));
  }

  /** The same layer may be known in another compression that nobody has fetched: then the one that can be fetched now counts. */
  async #preferReachable(id: string, { descriptor }: RemoteLayer): Promise<void> {
    const { database, layers, content } = this.#parts;
    const known = layers.has(id) ? undefined : database.layer(id)?.descriptor;
    if (known && known.digest !== descriptor.digest && !(await content.has(known.digest))) {
      database.setDescriptor(id, descriptor);
    }
  }

  /** The layer `id`, held, with `remote` as a place to fetch it from. */
  #imageLayer(remote: RemoteLayer, id: string, below: Stack, options: ImageLayerOptions): Layer {
    const { database, layers, now } = this.#parts;
    if (remote.repository !== undefined) database.addKnownIn(remote.descriptor.digest, remote.repository);
    const known = layers.get(id);
    return known?.hold() ?? this.#newImageLayer(remote, id, below, options, now());
  }

  #newImageLayer(remote: RemoteLayer, id: string, below: Stack, options: ImageLayerOptions, now: Date): ImageLayer {
    const { database, layers } = this.#parts;
    const { descriptor, diffId, createdAt = now } = remote;
    database.addLayer({ id, kind: "image", below: below.id, diffId, createdAt, descriptor, ...options }, now);
    const row = database.layer(id);
    const stored = { id, diffId, descriptor: row?.descriptor ?? descriptor, createdAt: row?.createdAt ?? createdAt };
    const layer = new ImageLayer(this.#parts, stored, below.hold());
    layers.set(id, layer);
    return layer;
  }
}

/** The stack of a ref that this store made. */
function stackOf(ref: Ref): Stack {
  if (!(ref instanceof StackRef)) throw new Error("Internal error: a result of another store");
  return ref.stack;
}

/** Whether every entry lies in a directory of the same plan. What a plan deletes is its own business: it was decided on the parent's tree. */
function isSelfContained({ entries }: LayerToc): boolean {
  return isComplete({ entries, whiteouts: [], opaques: [] });
}
