import { type Digest, type LayerCompression, layerMediaType } from "../../oci/mod.ts";
import type { LayerBlob } from "./ref.ts";
import type { StoreParts } from "./parts.ts";

/** A blob in the content store as the ref's face. */
export function blobOf(
  { content, database }: Pick<StoreParts, "content" | "database">,
  compression: LayerCompression,
  blob: { readonly digest: Digest; readonly size: number; readonly diffId: Digest },
  createdAt: Date,
): LayerBlob {
  const { digest, size, diffId } = blob;
  return {
    descriptor: { mediaType: layerMediaType({ family: "oci", compression }), digest, size },
    diffId,
    createdAt,
    knownIn: database.knownIn(digest),
    open: (options) => content.read(digest, options),
  };
}
