import { BuildError } from "../../../base/errors/mod.ts";
import { chainId, formatPlatform, formatReference, parseReference } from "../../../oci/mod.ts";
import type { Source } from "../../ops/mod.ts";
import type { RefStore } from "../../refs/mod.ts";
import type { SourceEnvironment } from "../environment.ts";
import { limited, parseLayerLimit } from "../image/layer-limit.ts";
import { remoteLayers } from "../image/remote-layers.ts";
import type { ResolvedImage } from "../image/resolver.ts";
import type { LayoutImages } from "./layout-images.ts";

/**
 * `oci-layout://`: the root filesystem of an image in a layout that a client offers. Recognised by its layers, as images of registries are, and
 * fetched as late.
 */
export function ociLayoutSource(refs: RefStore): Source<SourceEnvironment> {
  return {
    scheme: "oci-layout",
    elsewhere: true,
    open: ({ identifier, attrs }, { platform }) => {
      const name = identifier.slice("oci-layout://".length);
      const reference = parseReference(name);
      if (!reference.digest) throw new BuildError("invalid_argument", `oci-layout reference ${name} has no digest`);
      const limit = parseLayerLimit(attrs["oci.layerlimit"]);
      const { "oci.session": session, "oci.store": store = reference.repository } = attrs;
      const layersOf = (image: ResolvedImage, { documents, isReachable }: LayoutImages) =>
        remoteLayers(image, { fetch: (blob, options) => documents.fetchBlob(reference, blob, options), isReachable });
      return {
        cacheMap: async ({ environment, signal }) => {
          const layout = await environment.layout(session, store, { signal });
          const image = limited(await layout.images.resolve(reference, { platform, signal }), limit);
          refs.offer(layersOf(image, layout)); // what was built on it before may not have needed its bytes
          const { digest } = image;
          return {
            key: `docker-image:${chainId(image.config.rootfs.diff_ids) ?? "scratch"}`,
            material: () => ({ type: "image", ref: formatReference(reference), platform, digest, isLocal: true }),
          };
        },
        run: async ({ environment, signal }) => {
          const layout = await environment.layout(session, store, { signal });
          const image = limited(await layout.images.resolve(reference, { platform, signal }), limit);
          return await refs.fromImage(layersOf(image, layout), {
            description: `pulled from ${name} for ${formatPlatform(platform)}`,
          });
        },
      };
    },
  };
}
