/**
 * The words of container images as values: digests, descriptors, manifests, indexes, configs, platforms, references. Nothing here
 * touches disk, network or clock. What comes from outside goes through a `parse…` (text) or `decode…` (bytes) and is checked there;
 * `format…` and `encode…` lead back. Encoding is deterministic, but bytes that were decoded should be kept: digests are of bytes.
 */
export { decodeDescriptor, describe, type Descriptor, descriptorToJson } from "./descriptor.ts";
export {
  type Digest,
  type DigestAlgorithm,
  digestAlgorithm,
  Digester,
  digestHex,
  digestOf,
  isDigest,
  parseDigest,
} from "./digest.ts";
export {
  chainId,
  chainIds,
  configPlatform,
  type ContainerConfig,
  decodeImageConfig,
  encodeImageConfig,
  type Healthcheck,
  type HistoryEntry,
  type ImageConfig,
  platformOfConfig,
  type RootFs,
} from "./image-config.ts";
export {
  createIndex,
  decodeImageDocument,
  decodeIndex,
  encodeIndex,
  type ImageDocument,
  type ImageIndex,
} from "./image-index.ts";
export {
  createManifest,
  decodeManifest,
  encodeManifest,
  isSchema1Type,
  type Manifest,
  manifestLimitBytes,
} from "./manifest.ts";
export {
  isIndexType,
  isManifestType,
  type LayerCompression,
  layerMediaType,
  type LayerType,
  type MediaTypeFamily,
  mediaTypes,
  parseLayerMediaType,
  toFamily,
} from "./media-types.ts";
export { annotate, appendLayer, appendManifestLayer, bareDescriptor, uniqueDescriptors } from "./mutate.ts";
export { platformMatcher, type PlatformMatcher } from "./platform-matcher.ts";
export {
  currentPlatform,
  formatPlatform,
  formatPlatformFull,
  normalizePlatform,
  parsePlatform,
  type Platform,
  platformsEqual,
} from "./platform.ts";
export {
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
  repositoryName,
  withDefaultTag,
  withDigest,
  withTag,
} from "./reference.ts";
export { checkContent, collectBytes, ContentMismatchError, verified } from "./verified.ts";
