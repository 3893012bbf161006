import type { Descriptor } from "../../../oci/mod.ts";
import type { RemoteLayer } from "../../refs/mod.ts";
import type { ResolvedImage } from "./resolver.ts";

/** The layers of an image, not fetched yet. */
export function remoteLayers(
  { manifest, config }: ResolvedImage,
  from: {
    readonly fetch: (layer: Descriptor, options: { signal: AbortSignal }) => AsyncIterable<Uint8Array>;
    /** `host/path`, where it is a registry's. */
    readonly repository?: string;
    /** See {@link RemoteLayer.isReachable}. */
    readonly isReachable: () => boolean;
  },
): readonly RemoteLayer[] {
  const created = config.created ? new Date(config.created) : undefined;
  return manifest.layers.map((descriptor, at): RemoteLayer => {
    const diffId = config.rootfs.diff_ids[at];
    if (!diffId) throw new Error("Internal error: fewer diffIDs than layers");
    return {
      descriptor,
      diffId,
      ...(created && !Number.isNaN(created.getTime()) ? { createdAt: created } : {}),
      fetch: (options) => from.fetch(descriptor, options),
      isReachable: from.isReachable,
      ...(from.repository === undefined ? {} : { repository: from.repository }),
    };
  });
}
