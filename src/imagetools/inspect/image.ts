import {
  collectBytes,
  decodeImageConfig,
  decodeImageDocument,
  type Descriptor,
  type ImageConfig,
  type ImageDocument,
  isManifestType,
  type Manifest,
  type Reference,
} from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";

/** What a name in a registry points to. */
export interface RemoteImage {
  readonly reference: Reference;
  readonly descriptor: Descriptor;
  /** Exactly as the registry gave them. */
  readonly bytes: Uint8Array;
  readonly document: ImageDocument;
}

/** Statements about images and other documents are bounded by this. */
const statementLimitBytes = 40 * 1024 * 1024;

/** Fetches the manifest or index that `reference` names. */
export async function fetchImage(
  registry: Registry,
  reference: Reference,
  options: { signal: AbortSignal },
): Promise<RemoteImage> {
  const descriptor = await registry.resolve(reference, options);
  const bytes = await registry.fetchManifest(reference, descriptor, options);
  return { reference, descriptor, bytes, document: decodeImageDocument(bytes, descriptor.mediaType) };
}

/** The descriptors of an index's images: children that are neither indexes themselves nor statements about others. */
export function imageDescriptors({ document, descriptor }: RemoteImage): readonly Descriptor[] {
  if (document.type === "manifest") return [descriptor];
  return document.index.manifests.filter(
    (child) => isManifestType(child.mediaType) && child.annotations?.["vnd.docker.reference.type"] === undefined,
  );
}

/** The image config behind a manifest. */
export async function fetchConfig(
  registry: Registry,
  reference: Reference,
  manifest: Descriptor,
  options: { signal: AbortSignal },
): Promise<ImageConfig> {
  const document = decodeImageDocument(await registry.fetchManifest(reference, manifest, options), manifest.mediaType);
  if (document.type !== "manifest") throw new Error(`Internal error: ${manifest.digest} is an index`);
  return await fetchConfigOf(registry, reference, document.manifest, options);
}

/** The image config that a manifest names. */
export async function fetchConfigOf(
  registry: Registry,
  reference: Reference,
  manifest: Manifest,
  options: { signal: AbortSignal },
): Promise<ImageConfig> {
  return decodeImageConfig(await registry.fetchManifest(reference, manifest.config, options));
}

/** A blob as parsed JSON. */
export async function fetchJson(
  registry: Registry,
  reference: Reference,
  blob: Descriptor,
  options: { signal: AbortSignal },
): Promise<unknown> {
  const bytes = await collectBytes(registry.fetchBlob(reference, blob, options), { limitBytes: statementLimitBytes });
  return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
}
