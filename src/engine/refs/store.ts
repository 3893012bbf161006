import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { chainId, type Digest } from "../../oci/mod.ts";
import { completeLayer, isComplete, type LayerToc, sortToc } from "../snapshots/mod.ts";
import { ImageLayer } from "./image-layer.ts";
import type { Layer } from "./layer.ts";
import { LooseLayer, PackedLayer } from "./made-layers.ts";
import { packIntoStore } from "./make-blob.ts";
import { type StoreParts, writeAtomically } from "./parts.ts";
import type { LayerPlan, MutableRef, Ref, RemoteLayer } from "./ref.ts";
import { loadStack, saveStack } from "./saved-stacks.ts";
import { Stack } from "./stack.ts";
import { StackRef } from "./stack-ref.ts";
import type { OpenedRefStore } from "./open.ts";
import { UpperTree } from "./upper-tree.ts";
import { openArchive } from "./archive.ts";

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

  async fromImage(layers: readonly RemoteLayer[], options: { description: string }): Promise<Ref> {
    const { database } = this.#parts;
    let stack = this.#scratch.hold();
    const diffIds: Digest[] = [];
    database.transaction(() => {
      for (const remote of layers) {
        diffIds.push(remote.diffId);
        const id = chainId(diffIds) ?? "";
        stack = Stack.push(this.#parts, stack, this.#imageLayer(remote, id, stack, options.description));
        saveStack(database, stack);
      }
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

  async fromArchive(...[content, size, options]: Parameters<OpenedRefStore["fromArchive"]>): Promise<Ref | undefined> {
    const layer = await openArchive(this.#parts, content, size, options);
    return layer && this.#push(this.#scratch.hold(), layer);
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
    options: { signal: AbortSignal; description: string },
  ): Promise<{ readonly ref: Ref; readonly changed: readonly string[] }> {
    const { places, database, now } = this.#parts;
    const below = stackOf(parent).hold();
    try {
      const sorted = sortToc(plan);
      const toc = isSelfContained(sorted) ? sorted : completeLayer(sorted, await below.tree(options)).toc;
      const packed = await packIntoStore(this.#parts, toc, { type: "uncompressed" }, options, options.description);
      const id = `packed:${packed.diffId.slice("sha256:".length)}`;
      // The same tar made before, on whatever parent, is the same layer: its directory and its compressed forms serve again.
      if (!database.layer(id)) {
        await mkdir(places.layer(id), { recursive: true });
        await writeAtomically(this.#parts, places.toc(id), packed.toc);
        const { diffId } = packed;
        const { description } = options;
        database.addLayer({
          id,
          kind: "packed",
          below: undefined,
          diffId,
          createdAt: now(),
          description,
          descriptor: undefined,
        });
      }
      const createdAt = database.layer(id)?.createdAt ?? now();
      const known = this.#parts.layers.get(id);
      const layer = known?.hold() ?? new PackedLayer(this.#parts, { id, diffId: packed.diffId, createdAt });
      return { ref: this.#push(below.hold(), layer), changed: packed.changed };
    } finally {
      await below.release();
    }
  }

  stack(refs: readonly Ref[]): Ref {
    const layers = refs.flatMap((ref) => stackOf(ref).layers());
    // A layer that comes twice counts where it comes last: it puts everything of its own there again. (And overlayfs takes no directory twice.)
    const last = layers.filter((layer, at) => layers.lastIndexOf(layer) === at);
    let stack = this.#scratch.hold();
    for (const layer of last) stack = Stack.push(this.#parts, stack, layer.hold());
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#parts.database[Symbol.dispose]();
  }

  #ref(stack: Stack): Ref {
    return new StackRef(this.#parts, stack);
  }

  #push(below: Stack, layer: Layer): Ref {
    this.#parts.layers.set(layer.id, layer);
    return this.#ref(Stack.push(this.#parts, below, layer));
  }

  /** The layer `id`, held, with `remote` as a place to fetch it from. */
  #imageLayer(remote: RemoteLayer, id: string, below: Stack, description: string): Layer {
    const { database, layers, now } = this.#parts;
    if (remote.repository !== undefined) database.addKnownIn(remote.descriptor.digest, remote.repository);
    const known = layers.get(id);
    const layer = known?.hold() ?? this.#newImageLayer(remote, id, below, description, now());
    if (layer instanceof ImageLayer) layer.offer(remote);
    return layer;
  }

  #newImageLayer(remote: RemoteLayer, id: string, below: Stack, description: string, now: Date): ImageLayer {
    const { database, layers } = this.#parts;
    const { descriptor, diffId, createdAt = now } = remote;
    database.addLayer({ id, kind: "image", below: below.id, diffId, createdAt, description, descriptor });
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
