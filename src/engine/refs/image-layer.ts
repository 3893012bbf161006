import { access, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../base/files/mod.ts";
import { BuildError, isAbort } from "../../base/errors/mod.ts";
import { type Descriptor, type Digest, parseLayerMediaType, toFamily } from "../../oci/mod.ts";
import type { Codec, Jobs } from "../bytes/mod.ts";
import {
  completeLayer,
  type CompletedLayer,
  decodeToc,
  encodeToc,
  isComplete,
  type LayerToc,
} from "../snapshots/mod.ts";
import { type FaceOptions, Layer } from "./layer.ts";
import { extractFailure, knownBlob, recompressInStore } from "./make-blob.ts";
import { removeTree, type StoreParts, writeAtomically } from "./parts.ts";
import type { LayerBlob, RemoteLayer } from "./ref.ts";
import { readToc, withContents } from "./stored-toc.ts";
import type { Stack } from "./stack.ts";

/**
 * A layer of an image. Fetched at most once, and only for a face that needs its bytes; unpacked on its own, so that all layers of an image unpack
 * at the same time: what it leaves to the layers below is filled in from their tables at the end.
 */
export class ImageLayer extends Layer {
  override readonly isStored = true;
  override readonly diffId: Digest;
  readonly descriptor: Descriptor;
  readonly #below: Stack;
  /** The directory is being made and no longer waits for the table: so the table may wait for it, and never each for the other. */
  #isUnpacking = false;

  /** Takes over the caller's hold on `below`. */
  constructor(
    parts: StoreParts,
    layer: { readonly id: string; readonly diffId: Digest; readonly descriptor: Descriptor; readonly createdAt: Date },
    below: Stack,
  ) {
    super(parts, layer.id, layer.createdAt);
    this.diffId = layer.diffId;
    this.descriptor = layer.descriptor;
    this.#below = below;
  }

  override async isUsable(): Promise<boolean> {
    return this.parts.remotes.find(this.descriptor.digest) !== undefined || (await this.#isFetched());
  }

  protected override async makeToc(options: FaceOptions): Promise<LayerToc> {
    let raw = await this.#storedToc();
    if (!raw && this.#isUnpacking) {
      await this.directory(options);
      raw = await this.#storedToc();
    }
    raw ??= await this.#read(options, undefined);
    const { toc } = await this.#complete(raw, options);
    return await withContents(this.parts, this.id, toc);
  }

  protected override async makeDirectory(options: FaceOptions): Promise<string> {
    const { places, bytes, flights } = this.parts;
    const directory = places.directory(this.id);
    if (await exists(directory)) return directory;
    if (flights.has(`toc ${this.id}`)) await this.toc(options);
    this.#isUnpacking = true;
    const temporary = await places.makeTemporary().catch((error: unknown) => {
      this.#isUnpacking = false;
      throw error;
    });
    try {
      const unpacked = join(temporary, "fs");
      await mkdir(unpacked);
      const raw = await this.#read(options, unpacked);
      const completed = await this.#complete(raw, options);
      const links = await this.#findLinks(completed, options);
      const sealing = { directory: unpacked, toc: encodeToc(completed.toc), moves: completed.moves, links };
      await bytes.run("seal", sealing, { signal: options.signal });
      await makeDirectory(places.layer(this.id));
      await rename(unpacked, directory);
      this.parts.database.setDirectoryBytes(this.id, undefined);
    } finally {
      this.#isUnpacking = false;
      await removeTree(this.parts, temporary);
    }
    return directory;
  }

  protected override async makeBlob(codec: Codec, options: FaceOptions & { force: boolean }): Promise<LayerBlob> {
    const { diffId, descriptor, parts } = this;
    const has = parseLayerMediaType(descriptor.mediaType)?.compression;
    if (!options.force || has === codec.type || has === undefined) return this.#ownBlob();
    const known = await knownBlob(parts, diffId, codec);
    if (known) return this.storedBlob(codec, known);
    await this.#fetch(options);
    const written = await recompressInStore(parts, descriptor, codec, options);
    if (written.diffId !== diffId) throw this.#mismatch(written.diffId);
    return this.storedBlob(codec, written);
  }

  protected override async letGo(): Promise<void> {
    await super.letGo();
    await this.#below.release();
  }

  override knownBlob(): Descriptor {
    return { ...this.descriptor, mediaType: toFamily(this.descriptor.mediaType, "oci") };
  }

  /** The blob as the registry has it: known without fetching it. */
  #ownBlob(): LayerBlob {
    const { digest } = this.descriptor;
    const fetch = (options: FaceOptions) => this.#fetch(options);
    const { content } = this.parts;
    return {
      descriptor: { ...this.descriptor, mediaType: toFamily(this.descriptor.mediaType, "oci") },
      diffId: this.diffId,
      createdAt: this.createdAt,
      knownIn: this.parts.database.knownIn(digest),
      async *open(options) {
        await fetch(options);
        yield* content.read(digest, options);
      },
    };
  }

  async #isFetched(): Promise<boolean> {
    return (await this.parts.content.info(this.descriptor.digest))?.size === this.descriptor.size;
  }

  /** Brings the blob to this machine; layers with the same blob share the fetching. */
  async #fetch({ signal, progress }: FaceOptions): Promise<void> {
    if (await this.#isFetched()) return;
    const { digest, size: total } = this.descriptor;
    const fetchFrom = async (remote: RemoteLayer, shared: AbortSignal): Promise<void> => {
      let current = 0;
      async function* watched(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
        for await (const chunk of bytes) {
          yield chunk;
          current += chunk.byteLength;
          progress?.update({ id: digest, action: "downloading", current, total });
        }
      }
      await this.parts.content.put(watched(remote.fetch({ signal: shared })), this.descriptor, { signal: shared });
      progress?.update({ id: digest, action: "done", current: total, total });
    };
    const work = async (shared: AbortSignal): Promise<void> => {
      for (;;) {
        const remote = this.parts.remotes.find(digest);
        if (!remote)
          throw new BuildError(
            "not_found",
            `layer ${digest} is not on this machine, and where to fetch it is not known`,
          );
        try {
          return await fetchFrom(remote, shared);
        } catch (error) {
          // The client that we had it from, or whose login it was, has gone in the middle of it: others may be there who want it, too.
          const next = this.parts.remotes.find(digest);
          if (shared.aborted || next === undefined || next === remote) throw error;
        }
      }
    };
    await this.parts.flights.run(`fetch ${digest}`, work, { signal });
  }

  /** Reads the blob through: its table is stored, its files are written to `directory` where one is given. */
  async #read(options: FaceOptions, directory: string | undefined): Promise<LayerToc> {
    await this.#fetch(options);
    const { digest, size: total } = this.descriptor;
    const { signal, progress } = options;
    const input = { file: this.parts.content.path(digest), ...(directory === undefined ? {} : { directory }) };
    let result: Jobs["read"]["output"];
    try {
      result = await this.parts.bytes.run("read", input, {
        signal,
        onProgress: (current) => progress?.update({ id: digest, action: "extracting", current, total }),
      });
    } catch (error) {
      throw wrapped(digest, error);
    }
    if (result.diffId !== this.diffId) throw this.#mismatch(result.diffId);
    if (!(await exists(this.parts.places.toc(this.id)))) {
      await makeDirectory(this.parts.places.layer(this.id));
      await writeAtomically(this.parts, this.parts.places.toc(this.id), result.toc);
      this.parts.database.setDirectoryBytes(this.id, undefined);
    }
    progress?.update({ id: digest, action: "done", current: total, total });
    return decodeToc(result.toc);
  }

  #mismatch(got: Digest): BuildError {
    const reason = `the image's config says diff ID ${this.diffId}, its contents have ${got}`;
    return new BuildError("data_loss", extractFailure(this.descriptor.digest, reason));
  }

  async #storedToc(): Promise<LayerToc | undefined> {
    return await readToc(this.parts, this.id, this.diffId);
  }

  async #complete(raw: LayerToc, options: FaceOptions): Promise<CompletedLayer> {
    if (isComplete(raw)) return { toc: raw, moves: [], links: [] };
    const lower = await this.#below.tree(options);
    try {
      return completeLayer(raw, lower);
    } catch (error) {
      throw wrapped(this.descriptor.digest, error);
    }
  }

  /** Where the files of lower layers are that this one only links to. */
  async #findLinks({ links }: CompletedLayer, options: FaceOptions): Promise<CompletedLayer["links"]> {
    if (links.length === 0) return links;
    const lower = await this.#below.tree(options);
    return await Promise.all(
      links.map(async ({ path, target }) => {
        const toc = lower.layerOf(target);
        const layer = toc && this.parts.layerOfToc.get(toc);
        if (!layer) throw new Error(`Internal error: no layer has "${target}"`);
        return { path, target: join(await layer.directory(options), target) };
      }),
    );
  }
}

/** The failure with the layer's name in front; cancellation as it is. */
function wrapped(digest: Digest, error: unknown): unknown {
  if (isAbort(error) || !(error instanceof Error)) return error;
  return new BuildError(error instanceof BuildError ? error.code : "unknown", extractFailure(digest, error), {
    cause: error,
  });
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
