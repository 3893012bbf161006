import type { Descriptor, Digest } from "../../oci/mod.ts";
import type { LayerToc, TocEntry, Tree } from "../snapshots/mod.ts";
import type { LayerOrigin } from "./database.ts";

/** How a layer blob is compressed, and how hard. `level` undefined: the documented default of that codec. */
export interface Compression {
  readonly type: "uncompressed" | "gzip" | "zstd";
  readonly level?: number;
}

/** A layer as a registry wants it. */
export interface LayerBlob {
  /** Media type (OCI), digest and size of the blob as stored. */
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  /** When the layer was made: kept with it, so that the same cached result gives the same image config. */
  readonly createdAt: Date;
  /**
   * Bytes of the blob from this machine; fetches it first where it is still only in a registry.
   * @param options.lend each chunk need only be valid until the next one is asked for
   */
  open(options: { signal: AbortSignal; lend?: boolean }): AsyncIterable<Uint8Array>;
  /** Repositories (`host/path`) known to hold this blob, for cross-repository mounts. */
  readonly knownIn: readonly string[];
}

/**
 * One immutable filesystem result: a stack of layers, base first. It has faces, each made only when somebody asks for it,
 * once, and shared between all who ask at the same time: a table of contents, a directory per layer that overlayfs can
 * stack, a layer blob per layer.
 *
 * A ref is *held*: whoever got one from a method must {@link release} it (once); while it is held nothing of it is collected.
 */
export interface Ref {
  /** Names the stack of layers for as long as the engine's state lives. The empty stack ("scratch") is `""`. */
  readonly id: string;
  /** When its topmost layer was made; kept with that, as in {@link LayerBlob}. `undefined`: it has none. */
  readonly createdAt: Date | undefined;
  /** Another hold on the same result. */
  clone(): Ref;
  release(): Promise<void>;
  /** The merged table of contents. Unpacks nothing; fetches blobs that were never read. */
  tree(options: { signal: AbortSignal }): Promise<Tree>;
  /** One directory per layer (one that comes twice has one place), topmost first, ready to be `lowerdir`s; fetches and unpacks what is missing. Empty for scratch. */
  lowerDirs(options: { signal: AbortSignal; progress?: LayerProgress }): Promise<readonly string[]>;
  /** One blob per layer, base first; packs and compresses what is missing. */
  blobs(options: {
    signal: AbortSignal;
    compression: Compression;
    force?: boolean;
    /** No time in a layer lies behind `epochSec`, in seconds. Layers of the base image, named by their diffIDs, stay as they are. */
    clamp?: { readonly epochSec: number; readonly base: readonly Digest[] };
    progress?: LayerProgress;
  }): Promise<readonly LayerBlob[]>;
  /** One descriptor per layer, base first, of blobs that there are already, here or in a registry; `undefined`: some layer has none. Makes nothing. */
  knownBlobs(): readonly Descriptor[] | undefined;
  /** Makes `content` present on every regular file of `entries` (unpacks their layers where needed) and returns them in the same order. */
  locate(entries: readonly TocEntry[], options: { signal: AbortSignal }): Promise<readonly TocEntry[]>;
  /** Tells which layer, base first, a path of the tree comes from; a path is relative to the root. `undefined`: there is nothing. */
  layerFinder(options: { signal: AbortSignal }): Promise<(path: string) => number | undefined>;
  /** Digests of the regular files among `entries` of this result's tree, in the same order; hashes what nobody has asked for yet. `undefined` for what is no file. */
  digests(entries: readonly TocEntry[], options: { signal: AbortSignal }): Promise<readonly (Digest | undefined)[]>;
}

/** Told about byte work on one layer: `name` is a digest or a path, `current`/`total` bytes (total 0 = unknown). */
export interface LayerProgress {
  update(event: {
    readonly id: string;
    readonly action: "downloading" | "extracting" | "compressing" | "done";
    readonly current: number;
    readonly total: number;
  }): void;
}

/** A layer of an image in a registry: everything known before it is fetched. */
export interface RemoteLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly createdAt?: Date;
  /** Verified bytes of the blob, from `offsetBytes` on. */
  fetch(options: { signal: AbortSignal }): AsyncIterable<Uint8Array>;
  /** Repository (`host/path`) it comes from. */
  readonly repository?: string;
  /** Whether {@link fetch} makes sense still, for instance because the client is there whose login it needs; when left out, always. */
  readonly isReachable?: () => boolean;
}

/** A writable tree on top of a ref, for one process. Must end with `commit` or `discard`; both are safe to call twice. */
export interface MutableRef {
  /** For overlayfs; `lower` topmost first. When the parent is scratch, `lower` holds one empty directory. */
  readonly overlay: { readonly lower: readonly string[]; readonly upper: string; readonly work: string };
  /** Freezes what was written (the overlay must be unmounted) into a ref. An empty difference still makes a layer. */
  commit(options: {
    signal: AbortSignal;
    description: string;
    /** What was written is of use to those alone who hold the result: it goes with the last hold, instead of being kept for other builds. */
    untilReleased?: boolean;
  }): Promise<Ref>;
  discard(): Promise<void>;
}

/** An entry to be written into a new layer; regular files must carry `content`. */
export type LayerPlan = LayerToc;

/** What is kept with the layers of an image that were not known before. */
export interface ImageLayerOptions {
  readonly description: string;
  /** What the image is for, where it is no build's base. */
  readonly origin?: LayerOrigin | undefined;
}

/** Makes refs. One per engine. */
export interface RefStore {
  /** The empty tree. */
  scratch(): Ref;
  /** Remembers where layers can be fetched, so that stored results which need them can be used again. Fetches nothing. */
  offer(layers: readonly RemoteLayer[]): void;
  /** A stack of layers from a registry. Fetches nothing. Layers already known by chainID are reused whatever they came from. */
  fromImage(layers: readonly RemoteLayer[], options: ImageLayerOptions): Promise<Ref>;
  /** A directory that exists outside of the store and is only valid while the build lasts. Never persisted, never written to. */
  fromDirectory(root: string, toc: LayerToc, options: { description: string }): Promise<Ref>;
  /** A writable tree on top of `parent` (not consumed). */
  mutable(parent: Ref, options: { signal: AbortSignal; description: string }): Promise<MutableRef>;
  /**
   * One new layer on top of `parent` (not consumed), packed straight from where the files' bytes are, without touching `parent`'s tree.
   * Files whose bytes turn out to differ from their `digest` are recorded as read, and `changed` says so: such a result must not be cached.
   */
  writeLayer(
    parent: Ref,
    plan: LayerPlan,
    options: { signal: AbortSignal; description: string; origin?: LayerOrigin },
  ): Promise<{ readonly ref: Ref; readonly changed: readonly string[] }>;
  /** The layers of all `refs`, stacked in that order (merge op). */
  stack(refs: readonly Ref[]): Ref;
  /** What {@link load} needs to give this result again after a restart; `undefined` when it cannot outlive the build. */
  save(ref: Ref): string | undefined;
  /** The result saved earlier; `undefined` when any part of it is gone. */
  load(saved: string): Promise<Ref | undefined>;
}
