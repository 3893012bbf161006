/** The names that manifests, configs and layers go by. */
export const mediaTypes = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  ociForeignLayer: "application/vnd.oci.image.layer.nondistributable.v1.tar",
  ociForeignLayerGzip: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
  ociForeignLayerZstd: "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
  ociEmpty: "application/vnd.oci.empty.v1+json",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerLayerZstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
  dockerForeignLayer: "application/vnd.docker.image.rootfs.foreign.diff.tar",
  dockerForeignLayerGzip: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  dockerForeignLayerZstd: "application/vnd.docker.image.rootfs.foreign.diff.tar.zstd",
  inToto: "application/vnd.in-toto+json",
  attestationManifest: "application/vnd.docker.attestation.manifest.v1+json",
} as const;

/** Whose names an image uses throughout. */
export type MediaTypeFamily = "oci" | "docker";

/** How a layer's tar is compressed. */
export type LayerCompression = "uncompressed" | "gzip" | "zstd";

/** Family, compression and kind that a layer's media type tells. */
export interface LayerType {
  readonly family: MediaTypeFamily;
  readonly compression: LayerCompression;
  /** Must not be pushed elsewhere (Windows base layers): its bytes come from the descriptor's urls. */
  readonly foreign: boolean;
}

const endings: Readonly<Record<LayerCompression, string>> = { uncompressed: "", gzip: "gzip", zstd: "zstd" };

const layerTypes: ReadonlyMap<string, LayerType> = new Map(
  (["oci", "docker"] as const).flatMap((family) =>
    (["uncompressed", "gzip", "zstd"] as const).flatMap((compression) =>
      [false, true].map((foreign) => {
        const type: LayerType = { family, compression, foreign };
        return [layerMediaType(type), type] as const;
      }),
    ),
  ),
);

/** The media type of a layer. */
export function layerMediaType(type: {
  family: MediaTypeFamily;
  compression: LayerCompression;
  foreign?: boolean;
}): string {
  const { family, compression, foreign = false } = type;
  const base =
    family === "oci"
      ? foreign
        ? mediaTypes.ociForeignLayer
        : mediaTypes.ociLayer
      : foreign
        ? mediaTypes.dockerForeignLayer
        : mediaTypes.dockerLayer;
  const ending = endings[compression];
  return ending === "" ? base : `${base}${family === "oci" ? "+" : "."}${ending}`;
}

/** What a media type says of a layer; `undefined` when it names no layer that can be unpacked. */
export function parseLayerMediaType(mediaType: string): LayerType | undefined {
  return layerTypes.get(mediaType);
}

/** Whether it names a list of manifests. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerIndex;
}

/** Whether it names one image's manifest. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest;
}

const pairs: readonly (readonly [oci: string, docker: string])[] = [
  [mediaTypes.ociIndex, mediaTypes.dockerIndex],
  [mediaTypes.ociManifest, mediaTypes.dockerManifest],
  [mediaTypes.ociConfig, mediaTypes.dockerConfig],
];

/** The same kind of thing by the other family's name; names that belong to no family stay as they are. */
export function toFamily(mediaType: string, family: MediaTypeFamily): string {
  const layer = parseLayerMediaType(mediaType);
  if (layer) return layerMediaType({ ...layer, family });
  const pair = pairs.find((names) => names.includes(mediaType));
  return pair ? pair[family === "oci" ? 0 : 1] : mediaType;
}
