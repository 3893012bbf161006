import { BuildError } from "../../base/errors/mod.ts";
import {
  collectBytes,
  decodeImageConfig,
  decodeImageDocument,
  describe,
  type Descriptor,
  descriptorToJson,
  type Digest,
  isIndexType,
  isManifestType,
  type Manifest,
  type MediaTypeFamily,
  mediaTypes,
  parseDigest,
  toFamily,
} from "../../oci/mod.ts";
import { booleanAttribute } from "../exporters/mod.ts";
import type { LayerBlob } from "../refs/mod.ts";
import type { BlobPlace, CacheAttributes, FoundCache, FoundLayer } from "./backend.ts";
import type { CollectedCache } from "./collect.ts";
import {
  type CacheConfig,
  cacheConfigLimitBytes,
  cacheConfigType,
  decodeCacheConfig,
  encodeCacheConfig,
  parseTime,
} from "./config/cache-config.ts";
import { inlineCacheOf } from "./inline-cache.ts";

/** How a cache looks among images. */
export interface ManifestForm {
  readonly family: MediaTypeFamily;
  /** An image manifest with the list of contents as its config; else an index that lists the blobs themselves. */
  readonly isManifest: boolean;
}

/** @throws {BuildError} `invalid_argument` when the attributes contradict each other */
export function manifestForm(attributes: CacheAttributes): ManifestForm {
  const oci = booleanAttribute(attributes, "oci-mediatypes", true);
  const isManifest = booleanAttribute(attributes, "image-manifest", oci);
  if (isManifest && !oci) {
    throw new BuildError(
      "invalid_argument",
      "invalid configuration for remote cache, OCI mediatypes are required for image-manifest cache format",
    );
  }
  return { family: oci ? "oci" : "docker", isManifest };
}

/** A cache as documents of a registry: its list of contents, and the manifest that names that and all blobs. */
export interface CacheDocuments {
  readonly config: { readonly descriptor: Descriptor; readonly bytes: Uint8Array };
  readonly manifest: { readonly descriptor: Descriptor; readonly bytes: Uint8Array };
}

/** Annotations of a layer's descriptor: what its tar is, and when it was made. */
const diffIdKey = "containerd.io/uncompressed";
const createdAtKey = "buildkit/createdat";

export function cacheDocuments({ config, blobs }: CollectedCache, form: ManifestForm): CacheDocuments {
  const bytes = encodeCacheConfig(config, { annotated: false });
  const list = describe(cacheConfigType, bytes);
  const layers = blobs.map((blob) => descriptorToJson(layerDescriptor(blob, form.family)));
  const type = manifestType(form);
  const manifest = form.isManifest
    ? { schemaVersion: 2, mediaType: type, config: descriptorToJson(list), layers }
    : { schemaVersion: 2, mediaType: type, manifests: [...layers, descriptorToJson(list)] };
  const text = new TextEncoder().encode(JSON.stringify(manifest));
  return {
    config: { descriptor: list, bytes },
    manifest: { descriptor: describe(type, text), bytes: text },
  };
}

function manifestType({ family, isManifest }: ManifestForm): string {
  if (isManifest) return mediaTypes.ociManifest;
  return family === "oci" ? mediaTypes.ociIndex : mediaTypes.dockerIndex;
}

function layerDescriptor({ descriptor, diffId, createdAt }: LayerBlob, family: MediaTypeFamily): Descriptor {
  const { mediaType, digest, size } = descriptor;
  const annotations = { [createdAtKey]: createdAt.toISOString(), [diffIdKey]: diffId };
  return { mediaType: toFamily(mediaType, family), digest, size, annotations };
}

/** Documents and blobs of one place. */
export interface ManifestPlace extends BlobPlace {
  /** A manifest or an index, verified. */
  document(descriptor: Descriptor): Promise<Uint8Array>;
}

/**
 * The caches that a manifest or an index leads to: one that was exported as such, or those inside of the configs of images.
 * @throws {BuildError} when documents are missing or wrong
 */
export async function findCaches(
  top: Descriptor,
  place: ManifestPlace,
  options: { readonly signal: AbortSignal },
): Promise<readonly FoundCache[]> {
  const document = decodeImageDocument(await place.document(top), top.mediaType === "" ? undefined : top.mediaType);
  if (document.type === "manifest") return await cachesOfManifest(document.manifest, place, options);
  const { manifests } = document.index;
  const list = manifests.find(({ mediaType }) => mediaType === cacheConfigType);
  if (list) {
    const layers = manifests.filter(({ mediaType }) => !isManifestType(mediaType) && !isIndexType(mediaType));
    return [{ config: await readList(list, place, options), layers: describedLayers(layers), place }];
  }
  const images = manifests.filter(
    ({ mediaType, annotations }) =>
      isManifestType(mediaType) && annotations?.["vnd.docker.reference.type"] === undefined,
  );
  const found = await Promise.all(images.map((image) => findCaches(image, place, options)));
  return found.flat();
}

async function cachesOfManifest(
  { config, layers }: Manifest,
  place: ManifestPlace,
  options: { readonly signal: AbortSignal },
): Promise<readonly FoundCache[]> {
  if (config.mediaType === cacheConfigType) {
    return [{ config: await readList(config, place, options), layers: describedLayers(layers), place }];
  }
  if (config.mediaType !== mediaTypes.ociConfig && config.mediaType !== mediaTypes.dockerConfig) return [];
  const bytes = await read(config, place, options);
  const inline = inlineCacheOf(
    bytes,
    layers.map(({ digest }) => digest),
  );
  if (!inline) return [];
  const { rootfs, history = [] } = decodeImageConfig(bytes);
  const made = history.filter((entry) => !entry.empty_layer);
  const found = layers.flatMap((descriptor, at): FoundLayer[] => {
    const diffId = rootfs.diff_ids[at];
    return diffId ? [{ descriptor, diffId, createdAt: parseTime(made[at]?.created) }] : [];
  });
  return [{ config: inline, layers: byDigest(found), place }];
}

async function readList(
  descriptor: Descriptor,
  place: ManifestPlace,
  options: { readonly signal: AbortSignal },
): Promise<CacheConfig> {
  return decodeCacheConfig(await read(descriptor, place, options));
}

async function read(
  descriptor: Descriptor,
  place: ManifestPlace,
  { signal }: { readonly signal: AbortSignal },
): Promise<Uint8Array> {
  return await collectBytes(place.fetch(descriptor, { signal }), { limitBytes: cacheConfigLimitBytes });
}

/** Layers whose descriptors say what is inside. */
function describedLayers(descriptors: readonly Descriptor[]): ReadonlyMap<Digest, FoundLayer> {
  return byDigest(
    descriptors.flatMap(({ mediaType, digest, size, annotations }): FoundLayer[] => {
      const diffId = annotations?.[diffIdKey];
      if (diffId === undefined) return [];
      const createdAt = parseTime(annotations?.[createdAtKey]);
      return [{ descriptor: { mediaType, digest, size }, diffId: parseDigest(diffId), createdAt }];
    }),
  );
}

function byDigest(layers: readonly FoundLayer[]): ReadonlyMap<Digest, FoundLayer> {
  return new Map(layers.map((layer) => [layer.descriptor.digest, layer]));
}
