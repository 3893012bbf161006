import { TaskGroup } from "../../base/async/mod.ts";
import {
  createManifest,
  decodeManifest,
  describe,
  type Descriptor,
  encodeManifest,
  isIndexType,
  mediaTypes,
  parseLayerMediaType,
  toFamily,
} from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import type { Source } from "./source.ts";

/** How many manifests are made at once. */
const parallel = 8;

/** Manifests in Docker's format. */
export interface DockerFormat {
  readonly manifests: readonly MadeSource[];
  /** Whether one was annotated, which this format has no place for. */
  readonly lostAnnotations: boolean;
}

/** A manifest that was made here. */
export type MadeSource = Source & Required<Pick<Source, "made">>;

/**
 * Images in the format that Docker had before OCI's: their manifests are made anew with Docker's names, layers and configs stay the same. Nothing is
 * written anywhere.
 * @returns `undefined` for what this format has no words for: zstd, indexes, artifacts that are no images
 */
export async function inDockerFormat(
  registry: Registry,
  images: readonly Source[],
  options: { readonly signal: AbortSignal },
): Promise<DockerFormat | undefined> {
  if (images.length === 0 || images.some(({ descriptor }) => isIndexType(descriptor.mediaType))) return undefined;
  await using group = new TaskGroup({ limit: parallel, signal: options.signal });
  const all = await group.all(images.map((image) => (task) => manifestInDockerFormat(registry, image, task)));
  const made = all.filter((manifest) => manifest !== undefined);
  if (made.length < images.length) return undefined;
  return {
    manifests: made.map(({ source }) => source),
    lostAnnotations:
      images.some(({ descriptor }) => descriptor.annotations !== undefined) ||
      made.some(({ wasAnnotated }) => wasAnnotated),
  };
}

interface MadeManifest {
  readonly source: MadeSource;
  readonly wasAnnotated: boolean;
}

async function manifestInDockerFormat(
  registry: Registry,
  { reference, descriptor: old }: Source,
  options: { signal: AbortSignal },
): Promise<MadeManifest | undefined> {
  const found = decodeManifest(await registry.fetchManifest(reference, old, options), old.mediaType);
  const isKnown = ({ mediaType }: Descriptor) => (parseLayerMediaType(mediaType)?.compression ?? "zstd") !== "zstd";
  if (toFamily(found.config.mediaType, "docker") !== mediaTypes.dockerConfig || !found.layers.every(isKnown)) {
    return undefined;
  }
  const config = inDockersName(found.config);
  const manifest = createManifest({ family: "docker", config, layers: found.layers.map(inDockersName) });
  const bytes = encodeManifest(manifest);
  const descriptor = {
    ...describe(mediaTypes.dockerManifest, bytes),
    ...(old.platform ? { platform: old.platform } : {}),
  };
  return {
    source: { reference, descriptor, made: { bytes, manifest } },
    wasAnnotated: found.annotations !== undefined,
  };
}

function inDockersName({ mediaType, digest, size, urls }: Descriptor): Descriptor {
  return { mediaType: toFamily(mediaType, "docker"), digest, size, ...(urls ? { urls } : {}) };
}
