import type { Codec } from "../bytes/mod.ts";
import type { LayerToc } from "../snapshots/mod.ts";
import { blobOf } from "./blob.ts";
import type { FaceOptions, Layer } from "./layer.ts";
import { packIntoStore } from "./make-blob.ts";
import type { StoreParts } from "./parts.ts";
import type { LayerBlob } from "./ref.ts";

/** A blob, and what keeps it from being collected: no layer needs it. */
export interface PinnedBlob extends Disposable {
  readonly blob: LayerBlob;
}

/**
 * The layer packed anew, with no time in it behind `epochSec` (seconds since the epoch). The same layer gives the same bytes on any engine.
 */
export async function clampedBlob(
  parts: StoreParts,
  layer: Layer,
  codec: Codec,
  options: FaceOptions & { readonly epochSec: number },
): Promise<PinnedBlob> {
  const { epochSec } = options;
  const toc = await layer.toc(options);
  const isLacking = toc.entries.some(({ type, content }) => type === "file" && !content);
  const directory = isLacking ? await layer.directory(options) : undefined;
  const clamped: LayerToc = {
    ...toc,
    entries: toc.entries.map((entry) => ({
      ...entry,
      ...(entry.mtimeSec >= epochSec ? { mtimeSec: epochSec, mtimeNsec: 0 } : {}),
      ...(directory !== undefined && entry.type === "file" && !entry.content
        ? { content: { kind: "range", file: `${directory}/${entry.path}`, offsetBytes: 0 } as const }
        : {}),
    })),
  };
  const packed = await packIntoStore(parts, clamped, codec, { ...options, id: layer.id, verify: false });
  return { blob: blobOf(parts, codec.type, packed, layer.createdAt), [Symbol.dispose]: () => packed[Symbol.dispose]() };
}
