import type { Descriptor, Digest } from "../../oci/mod.ts";
import type { LayerToc } from "../snapshots/mod.ts";
import type { Codec } from "../bytes/mod.ts";
import { Held } from "./hold.ts";
import type { LayerBlob, LayerProgress } from "./ref.ts";
import { blobOf } from "./blob.ts";
import type { StoreParts } from "./parts.ts";

/** What asking for a face of a layer takes. */
export interface FaceOptions {
  readonly signal: AbortSignal;
  readonly progress?: LayerProgress | undefined;
}

/**
 * One layer with its faces. Each is made when it is first asked for, once; those who ask meanwhile wait for the same making. What is made stays:
 * on disk for layers of the store, until the last hold is given back for others.
 */
export abstract class Layer extends Held {
  readonly id: string;
  readonly createdAt: Date;
  /** Whether it can be found again after a restart. */
  abstract readonly isStored: boolean;
  /** Digest of its uncompressed tar; `undefined`: nobody has packed it yet. */
  abstract readonly diffId: Digest | undefined;
  protected readonly parts: StoreParts;
  #toc: LayerToc | undefined;

  constructor(parts: StoreParts, id: string, createdAt: Date) {
    super();
    this.parts = parts;
    this.id = id;
    this.createdAt = createdAt;
  }

  /** What the layer adds and deletes: complete, so that it makes sense whatever it is stacked on. The same object for as long as the layer is held. */
  async toc(options: FaceOptions): Promise<LayerToc> {
    if (this.#toc) return this.#toc;
    const work = (signal: AbortSignal): Promise<LayerToc> => this.#held(() => this.makeToc({ ...options, signal }));
    const toc: LayerToc = await this.parts.flights.run(`toc ${this.id}`, work, options);
    // Who joined while it was made gets the same object as who asked first.
    const kept: LayerToc = (this.#toc ??= toc);
    this.parts.layerOfToc.set(kept, this);
    return kept;
  }

  /** A directory that overlayfs can stack. */
  async directory(options: FaceOptions): Promise<string> {
    const work = (signal: AbortSignal) => this.#held(() => this.makeDirectory({ ...options, signal }));
    return await this.parts.flights.run(`directory ${this.id}`, work, options);
  }

  /** The layer as a blob. */
  async blob(codec: Codec, options: FaceOptions & { force: boolean }): Promise<LayerBlob> {
    const key = `blob ${this.id} ${JSON.stringify(codec)} ${options.force}`;
    const work = (signal: AbortSignal) => this.#held(() => this.makeBlob(codec, { ...options, signal }));
    return await this.parts.flights.run(key, work, options);
  }

  /** A compressed blob of it that has been made before, or that a registry has; `undefined`: there is none. */
  knownBlob(): Descriptor | undefined {
    return this.diffId === undefined ? undefined : this.parts.database.compressedBlob(this.diffId);
  }

  /** Digests of regular files that its table has none of, in the order of `paths`. */
  async digests(paths: readonly string[], options: FaceOptions): Promise<readonly Digest[]> {
    return await this.#held(() => this.makeDigests(paths, options));
  }

  /** Whether all that its faces are made from is there. */
  abstract isUsable(): Promise<boolean>;

  protected abstract makeToc(options: FaceOptions): Promise<LayerToc>;
  protected abstract makeDirectory(options: FaceOptions): Promise<string>;
  protected abstract makeBlob(codec: Codec, options: FaceOptions & { force: boolean }): Promise<LayerBlob>;

  /** Only of what processes wrote are there files without a digest. */
  protected async makeDigests(paths: readonly string[], _options: FaceOptions): Promise<readonly Digest[]> {
    throw new Error(`Internal error: layer ${this.id} has no digest of ${JSON.stringify(`/${paths[0]}`)}`);
  }

  /** A blob that lies in the content store. */
  protected storedBlob(codec: Codec, blob: Parameters<typeof blobOf>[2]): LayerBlob {
    return blobOf(this.parts, codec.type, blob, this.createdAt);
  }

  protected override async letGo(): Promise<void> {
    this.parts.layers.delete(this.id);
    if (this.isStored) this.parts.journal.note(this.id);
  }

  /** Work that goes on after the one who asked for it has left must not find its layer removed. */
  async #held<T>(work: () => Promise<T>): Promise<T> {
    this.hold();
    try {
      return await work();
    } finally {
      await this.release();
    }
  }
}
