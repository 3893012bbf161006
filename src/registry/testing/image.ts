import {
  createManifest,
  describe,
  type Descriptor,
  encodeImageConfig,
  encodeManifest,
  mediaTypes,
  type Platform,
} from "../../oci/mod.ts";
import { configPlatform, type Digest } from "../../oci/mod.ts";
import type { TestRegistry } from "./server.ts";

/** Puts a small image into a test registry: one manifest, config and layers (uncompressed tars, or whatever bytes) for `platform`. */
export function addImage(
  registry: TestRegistry,
  repository: string,
  tag: string | undefined,
  image: {
    readonly layers: readonly { readonly bytes: Uint8Array; readonly diffId: Digest; readonly mediaType: string }[];
    readonly platform: Platform;
  },
): Descriptor {
  const { storage } = registry;
  const config = encodeImageConfig({
    ...configPlatform(image.platform),
    rootfs: { type: "layers", diff_ids: image.layers.map(({ diffId }) => diffId) },
  });
  for (const bytes of [config, ...image.layers.map((layer) => layer.bytes)]) storage.addBlob(repository, bytes);
  const bytes = encodeManifest(
    createManifest({
      family: "oci",
      config: describe(mediaTypes.ociConfig, config),
      layers: image.layers.map((layer) => describe(layer.mediaType, layer.bytes)),
    }),
  );
  storage.addManifest(repository, { mediaType: mediaTypes.ociManifest, bytes }, tag);
  return { ...describe(mediaTypes.ociManifest, bytes), platform: image.platform };
}
