import { existsSync } from "node:fs";
import { access, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../base/files/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import type { Codec } from "../bytes/mod.ts";
import { encodeToc, type LayerToc } from "../snapshots/mod.ts";
import { FileDigests } from "./file-digests.ts";
import { type FaceOptions, Layer } from "./layer.ts";
import { knownBlob, packIntoStore, recompressInStore } from "./make-blob.ts";
import { removeTree, type StoreParts } from "./parts.ts";
import type { LayerBlob } from "./ref.ts";
import { removeLayer } from "./removal.ts";
import { readToc, withContents } from "./stored-toc.ts";

/** A layer that this engine packed straight into an uncompressed tar in the content store, into which its table's contents point. */
export class PackedLayer extends Layer {
  override readonly isStored = true;
  override readonly diffId: Digest;

  constructor(parts: StoreParts, layer: { readonly id: string; readonly diffId: Digest; readonly createdAt: Date }) {
    super(parts, layer.id, layer.createdAt);
    this.diffId = layer.diffId;
  }

  override async isUsable(): Promise<boolean> {
    const { places, content } = this.parts;
    return existsSync(places.toc(this.id)) && existsSync(content.path(this.diffId));
  }

  protected override async makeToc(): Promise<LayerToc> {
    return found(await readToc(this.parts, this.id, this.diffId), this.id);
  }

  protected override async makeDirectory(options: FaceOptions): Promise<string> {
    const { places, database } = this.parts;
    const { directory, isNew } = await layOut(this.parts, await this.toc(options), places.layer(this.id), options);
    if (isNew) database.setDirectoryBytes(this.id, undefined);
    return directory;
  }

  protected override async makeBlob(codec: Codec, options: FaceOptions): Promise<LayerBlob> {
    const { parts, diffId } = this;
    const known = await knownBlob(parts, diffId, codec);
    if (known) return this.storedBlob(codec, known);
    const size = (await parts.content.info(diffId))?.size ?? 0;
    return this.storedBlob(codec, await recompressInStore(parts, { digest: diffId, size, diffId }, codec, options));
  }
}

/** What a process wrote: the upper directory of its overlay, which is a lower directory for those after it. */
export class UpperLayer extends Layer {
  override readonly isStored = true;
  override diffId: Digest | undefined;
  readonly #digests: FileDigests;
  readonly #untilReleased: boolean;

  constructor(
    parts: StoreParts,
    layer: {
      readonly id: string;
      readonly diffId: Digest | undefined;
      readonly createdAt: Date;
      /** Removed with the last hold. */
      readonly untilReleased?: boolean | undefined;
    },
  ) {
    super(parts, layer.id, layer.createdAt);
    this.diffId = layer.diffId;
    this.#untilReleased = layer.untilReleased ?? false;
    this.#digests = new FileDigests(parts, layer.id);
  }

  override async isUsable(): Promise<boolean> {
    const { places } = this.parts;
    return existsSync(places.toc(this.id)) && existsSync(places.directory(this.id));
  }

  protected override async makeToc(): Promise<LayerToc> {
    return await withContents(this.parts, this.id, found(await readToc(this.parts, this.id, undefined), this.id));
  }

  protected override async makeDirectory(): Promise<string> {
    return this.parts.places.directory(this.id);
  }

  protected override async makeDigests(paths: readonly string[], options: FaceOptions): Promise<readonly Digest[]> {
    return await this.#digests.of(paths, options);
  }

  protected override async letGo(): Promise<void> {
    await super.letGo();
    if (this.#untilReleased) await removeLayer(this.parts, this.id)?.deleted;
    else await this.#digests.store();
  }

  protected override async makeBlob(codec: Codec, options: FaceOptions): Promise<LayerBlob> {
    const known = this.diffId && (await knownBlob(this.parts, this.diffId, codec));
    if (known) return this.storedBlob(codec, known);
    using packed = await packIntoStore(this.parts, await this.toc(options), codec, {
      ...options,
      id: this.id,
      verify: false,
    });
    if (!this.diffId) this.parts.database.setDiffId(this.id, packed.diffId);
    this.diffId ??= packed.diffId;
    return this.storedBlob(codec, packed);
  }
}

/** A table whose contents lie outside of the store, for as long as the build lasts. Faces that need room on disk go when the last hold does. */
export class LooseLayer extends Layer {
  override readonly isStored = false;
  override readonly diffId = undefined;
  readonly #entries: LayerToc;
  readonly #temporary: string;
  /** No row of the database speaks of this layer: its blobs are kept from removal here. */
  readonly #pins = new DisposableStack();

  /** @param temporary a directory of its own; deleted at the end */
  constructor(
    parts: StoreParts,
    layer: { readonly id: string; readonly toc: LayerToc; readonly temporary: string; readonly createdAt: Date },
  ) {
    super(parts, layer.id, layer.createdAt);
    this.#entries = layer.toc;
    this.#temporary = layer.temporary;
  }

  override async isUsable(): Promise<boolean> {
    return !this.isGone;
  }

  protected override async makeToc(): Promise<LayerToc> {
    return this.#entries;
  }

  protected override async makeDirectory(options: FaceOptions): Promise<string> {
    return (await layOut(this.parts, this.#entries, this.#temporary, options)).directory;
  }

  protected override async makeBlob(codec: Codec, options: FaceOptions): Promise<LayerBlob> {
    const packing = { ...options, id: this.id, verify: false };
    return this.storedBlob(codec, this.#pins.use(await packIntoStore(this.parts, this.#entries, codec, packing)));
  }

  protected override async letGo(): Promise<void> {
    await super.letGo();
    this.#pins.dispose();
    await removeTree(this.parts, this.#temporary);
  }
}

/** Makes `<home>/fs` from a table with contents, unless it is there. */
async function layOut(
  parts: StoreParts,
  toc: LayerToc,
  home: string,
  { signal }: FaceOptions,
): Promise<{ readonly directory: string; readonly isNew: boolean }> {
  const directory = join(home, "fs");
  if (await exists(directory)) return { directory, isNew: false };
  const temporary = await parts.places.makeTemporary();
  try {
    const fresh = join(temporary, "fs");
    await mkdir(fresh);
    await parts.bytes.run("write", { toc: encodeToc(toc, "full"), directory: fresh }, { signal });
    await makeDirectory(home);
    await rename(fresh, directory);
  } finally {
    await removeTree(parts, temporary);
  }
  return { directory, isNew: true };
}

function found(toc: LayerToc | undefined, id: string): LayerToc {
  if (!toc) throw new Error(`Internal error: layer ${id} has lost its table of contents`);
  return toc;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
