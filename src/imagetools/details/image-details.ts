import { BuildError } from "../../base/errors/mod.ts";
import {
  type ContainerConfig,
  decodeImageConfig,
  decodeImageDocument,
  type Descriptor,
  formatPlatform,
  formatReference,
  type ImageConfig,
  type Manifest,
  type Platform,
  platformMatcher,
  platformOfConfig,
  type Reference,
  withDigest,
} from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import { readPrograms } from "../programs/read-layers.ts";
import { type ImagePrograms, verifyPrograms } from "../programs/verify.ts";
import { imageDescriptors, type RemoteImage } from "../inspect/image.ts";

/** One platform's image, by the names of `docker image inspect`, as far as a registry knows. */
export interface ImageDetails {
  /** Digest of the config: the image's id. */
  readonly Id: string;
  /** As it was asked for. */
  readonly Name: string;
  readonly RepoDigests: readonly string[];
  readonly Descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly Platform: string;
  readonly Os: string;
  readonly Architecture: string;
  readonly Variant: string;
  readonly OsVersion: string;
  readonly Created: string;
  readonly Author: string;
  /** Bytes of the layers as they are stored, compressed. */
  readonly Size: number;
  readonly Config: ContainerConfig;
  /** DiffIDs, base first. */
  readonly RootFS: { readonly Type: string; readonly Layers: readonly string[] };
  /** What its programs really are, where that was asked for. */
  readonly Programs?: ImagePrograms;
  /** The same layers as they are stored. */
  readonly Layers: readonly { readonly mediaType: string; readonly digest: string; readonly size: number }[];
}

/**
 * The manifests behind a name: that of `platform`, or all of them.
 * @throws {BuildError} `not_found` when there is none for that platform
 */
export async function selectManifests(
  registry: Registry,
  image: RemoteImage,
  options: { readonly platform: Platform | undefined; readonly signal: AbortSignal },
): Promise<readonly Descriptor[]> {
  const all = imageDescriptors(image);
  const { platform } = options;
  if (!platform) return all;
  const matcher = platformMatcher(platform);
  const chosen = matcher.choose(all);
  // A single manifest does not say what it is for; nor do some indexes.
  const told =
    chosen?.platform ??
    (chosen && platformOfConfig((await fetchParts(registry, image.reference, chosen, options)).config));
  if (chosen && told && matcher.matches(told)) return [chosen];
  const has = await Promise.all(
    all.map(
      async (child) =>
        child.platform ?? platformOfConfig((await fetchParts(registry, image.reference, child, options)).config),
    ),
  );
  throw new BuildError(
    "not_found",
    `image ${formatReference(image.reference)} has no manifest for ${formatPlatform(platform)}: it is for ${has.map(formatPlatform).join(", ")}`,
  );
}

/** Everything about one image. */
export async function imageDetails(
  registry: Registry,
  reference: Reference,
  descriptor: Descriptor,
  options: { readonly signal: AbortSignal; readonly verify?: boolean },
): Promise<ImageDetails> {
  const { manifest, config } = await fetchParts(registry, reference, descriptor, options);
  const { os, architecture, variant = "" } = config;
  const { tag: _, digest: __, ...repository } = reference;
  const platform = platformOfConfig(config);
  const programs =
    options.verify && os === "linux"
      ? verifyPrograms(await readPrograms(registry, reference, manifest, options), config.config ?? {}, platform)
      : undefined;
  return {
    Id: manifest.config.digest,
    Name: formatReference(reference),
    RepoDigests: [formatReference(withDigest(repository, descriptor.digest))],
    Descriptor: bare(descriptor),
    Platform: formatPlatform(platform),
    Os: os,
    Architecture: architecture,
    Variant: variant,
    OsVersion: config["os.version"] ?? "",
    Created: config.created ?? "",
    Author: config.author ?? "",
    Size: manifest.layers.reduce((sum, { size }) => sum + size, 0),
    Config: config.config ?? {},
    RootFS: { Type: config.rootfs.type, Layers: config.rootfs.diff_ids },
    ...(programs ? { Programs: programs } : {}),
    Layers: manifest.layers.map(bare),
  };
}

async function fetchParts(
  registry: Registry,
  reference: Reference,
  descriptor: Descriptor,
  options: { readonly signal: AbortSignal },
): Promise<{ readonly manifest: Manifest; readonly config: ImageConfig }> {
  const bytes = await registry.fetchManifest(reference, descriptor, options);
  const document = decodeImageDocument(bytes, descriptor.mediaType);
  if (document.type !== "manifest") throw new Error(`Internal error: ${descriptor.digest} is an index`);
  const config = decodeImageConfig(await registry.fetchManifest(reference, document.manifest.config, options));
  return { manifest: document.manifest, config };
}

function bare({ mediaType, digest, size }: Descriptor): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest, size };
}
