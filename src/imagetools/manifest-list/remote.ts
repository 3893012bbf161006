import { BuildError } from "../../base/errors/mod.ts";
import {
  collectBytes,
  type Descriptor,
  formatReference,
  isManifestType,
  manifestLimitBytes,
  type Manifest,
  type Platform,
  type Reference,
  withDigest,
} from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import { fetchImage, type RemoteImage } from "../inspect/image.ts";
import type { ListEntry } from "./entry.ts";

/** What a registry has under a name. @throws {BuildError} `not_found` with docker's words */
export async function fetchNamed(
  registry: Registry,
  reference: Reference,
  options: { signal: AbortSignal },
): Promise<RemoteImage> {
  try {
    return await fetchImage(registry, reference, options);
  } catch (cause) {
    if (!(cause instanceof BuildError) || cause.code !== "not_found") throw cause;
    throw new BuildError("not_found", `no such manifest: ${formatReference(reference)}`, { cause });
  }
}

/** An image in a registry as an entry. @throws {BuildError} when the name is that of a list */
export async function fetchEntry(
  registry: Registry,
  reference: Reference,
  options: { signal: AbortSignal },
): Promise<ListEntry> {
  const image = await fetchNamed(registry, reference, options);
  const entry = await asEntry(registry, image, options);
  if (entry) return entry;
  throw new BuildError("invalid_argument", `${formatReference(reference)} is a manifest list`);
}

/** A single image as an entry; `undefined` for a list. */
export async function asEntry(
  registry: Registry,
  { reference, descriptor, bytes, document }: RemoteImage,
  options: { signal: AbortSignal },
): Promise<ListEntry | undefined> {
  if (document.type === "index") return undefined;
  const { manifest } = document;
  const platform = await fetchPlatform(registry, reference, manifest, options);
  return { reference, bytes, manifest, descriptor: { ...descriptor, platform } };
}

/** The images of a list in a registry as entries; their platforms are what the list says. */
export async function fetchListed(
  registry: Registry,
  reference: Reference,
  children: readonly Descriptor[],
  options: { signal: AbortSignal },
): Promise<readonly ListEntry[]> {
  return await Promise.all(
    children.map(async (child) => {
      const named = withDigest(reference, child.digest);
      const image = await fetchNamed(registry, named, options);
      if (image.document.type === "index" || !isManifestType(image.descriptor.mediaType)) {
        throw new BuildError("invalid_argument", `unsupported manifest type: ${image.descriptor.mediaType}`);
      }
      const { descriptor, bytes, document } = image;
      const platform: Platform = child.platform ?? { os: "", architecture: "" };
      return { reference: named, bytes, manifest: document.manifest, descriptor: { ...descriptor, platform } };
    }),
  );
}

/** What the config says, as it says it. Artifacts have configs that say nothing. */
async function fetchPlatform(
  registry: Registry,
  reference: Reference,
  { config }: Manifest,
  options: { signal: AbortSignal },
): Promise<Platform> {
  const bytes = await collectBytes(registry.fetchBlob(reference, config, options), { limitBytes: manifestLimitBytes });
  const { os, architecture, variant, ...more } = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  const features = more["os.features"];
  return {
    os: text(os),
    architecture: text(architecture),
    ...(text(variant) ? { variant: text(variant) } : {}),
    ...(text(more["os.version"]) ? { osVersion: text(more["os.version"]) } : {}),
    ...(Array.isArray(features) ? { osFeatures: features.filter((feature) => typeof feature === "string") } : {}),
  };
}
