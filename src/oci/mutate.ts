import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import type { HistoryEntry, ImageConfig } from "./image-config.ts";
import type { ImageIndex } from "./image-index.ts";
import type { Manifest } from "./manifest.ts";

/** The config with one more layer on top. Its manifest needs the layer's descriptor, see {@link appendManifestLayer}. */
export function appendLayer(config: ImageConfig, diffId: Digest, history?: HistoryEntry): ImageConfig {
  const grown = { ...config, rootfs: { ...config.rootfs, diff_ids: [...config.rootfs.diff_ids, diffId] } };
  return history ? { ...grown, history: [...(config.history ?? []), history] } : grown;
}

/** The manifest with one more layer on top. */
export function appendManifestLayer(manifest: Manifest, layer: Descriptor): Manifest {
  return { ...manifest, layers: [...manifest.layers, layer] };
}

/** The same document with `annotations` added; an equal key is replaced. */
export function annotate<T extends Manifest | ImageIndex | Descriptor>(
  value: T,
  annotations: Readonly<Record<string, string>>,
): T {
  if (Object.keys(annotations).length === 0) return value;
  return { ...value, annotations: { ...value.annotations, ...annotations } };
}

/** Only what identifies the bytes: no platform, annotations, urls or inline data. */
export function bareDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

/** Each digest once, where it first stood. */
export function uniqueDescriptors(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  const seen = new Set<Digest>();
  return descriptors.filter(({ digest }) => !seen.has(digest) && seen.add(digest));
}
