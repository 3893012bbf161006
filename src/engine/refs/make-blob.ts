import { messageOf } from "../../base/errors/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import type { Codec, Jobs, WrittenBlob } from "../bytes/mod.ts";
import { encodeToc, type LayerToc } from "../snapshots/mod.ts";
import type { FaceOptions } from "./layer.ts";
import type { StoreParts } from "./parts.ts";

/** What came of packing a table, the tar or its compressed form being in the content store now. */
export type PackedLayer = Jobs["pack"]["output"];

/**
 * Packs a table with contents straight into the content store. What comes out is pinned until it is disposed of: by then a layer must need it.
 * @param options.id names it in progress
 */
export async function packIntoStore(
  parts: StoreParts,
  toc: LayerToc,
  codec: Codec,
  options: FaceOptions & { readonly id: string; readonly verify: boolean },
): Promise<PackedLayer & Disposable> {
  const { signal, progress, id, verify } = options;
  const total = toc.entries.reduce((sum, { size, hardlink }) => sum + (hardlink === undefined ? size : 0), 0);
  await using ingest = await parts.content.ingest({ signal });
  const packed = await parts.bytes.run(
    "pack",
    { toc: encodeToc(toc, "full"), codec, file: ingest.path, verify },
    { signal, onProgress: (current) => progress?.update({ id, action: "compressing", current, total }) },
  );
  using undo = new DisposableStack();
  undo.use(parts.pins.pin(packed.digest, packed.diffId));
  await ingest.commit({ digest: packed.digest, size: packed.size });
  parts.database.addBlob(packed.diffId, codec, packed);
  progress?.update({ id, action: "done", current: total, total });
  const pinned = undo.move();
  return { ...packed, [Symbol.dispose]: () => pinned.dispose() };
}

/** Compresses a blob of the content store in another way. */
export async function recompressInStore(
  parts: StoreParts,
  from: { readonly digest: Digest; readonly size: number; readonly diffId?: Digest },
  codec: Codec,
  { signal, progress }: FaceOptions,
): Promise<WrittenBlob> {
  const { digest: id, size: total } = from;
  await using ingest = await parts.content.ingest({ signal });
  const written = await parts.bytes.run(
    "recompress",
    { from: parts.content.path(id), codec, file: ingest.path, ...(from.diffId ? { diffId: from.diffId } : {}) },
    { signal, onProgress: (current) => progress?.update({ id, action: "compressing", current, total }) },
  );
  await ingest.commit({ digest: written.digest, size: written.size });
  parts.database.addBlob(written.diffId, codec, written);
  progress?.update({ id, action: "done", current: total, total });
  return written;
}

/** The form of the tar `diffId` that was made before, where it is still there. */
export async function knownBlob(
  { database, content }: StoreParts,
  diffId: Digest,
  codec: Codec,
): Promise<WrittenBlob | undefined> {
  const known = codec.type === "uncompressed" ? await tarOf(content, diffId) : database.blob(diffId, codec);
  if (!known || (await content.info(known.digest))?.size !== known.size) return undefined;
  return { ...known, diffId };
}

/** An uncompressed layer blob is its own diffID. */
async function tarOf(
  content: StoreParts["content"],
  diffId: Digest,
): Promise<{ digest: Digest; size: number } | undefined> {
  const info = await content.info(diffId);
  return info && { digest: diffId, size: info.size };
}

/** The message of a failure while a layer was unpacked, in containerd's words. */
export function extractFailure(digest: Digest, error: unknown): string {
  return `failed to extract layer ${digest}: ${messageOf(error)}`;
}
