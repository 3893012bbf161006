import { TaskGroup } from "../../base/async/mod.ts";
import {
  createManifest,
  decodeManifest,
  describe,
  type Descriptor,
  encodeManifest,
  type Manifest,
  mediaTypes,
  type Reference,
  repositoryName,
  toFamily,
  withDefaultTag,
} from "../../oci/mod.ts";
import type { Registry } from "../../registry/mod.ts";
import { Copier } from "./copier.ts";
import { subjectOf } from "./filter-platforms.ts";
import { type Merged, mergeSources } from "./merge.ts";
import type { Source } from "./source.ts";

/** How many manifests are made at once. */
const parallel = 8;

/** An image that was pushed in Docker's formats. */
export interface PushedAsDocker {
  readonly descriptor: Descriptor;
  /** Whether it had statements about itself, which these formats have no place for. */
  readonly withoutAttestations: boolean;
}

/**
 * Pushes a merged image to registries that do not know OCI's formats: its manifests are made anew with Docker's names, the layers and configs stay the
 * same, and statements about it stay behind.
 * @throws {BuildError} what a registry says
 */
export async function pushAsDocker(
  registry: Registry,
  merged: Merged,
  targets: readonly Reference[],
  options: { readonly signal: AbortSignal },
): Promise<PushedAsDocker> {
  const images = merged.children.filter(({ descriptor }) => subjectOf(descriptor) === undefined);
  await using group = new TaskGroup({ limit: parallel, signal: options.signal });
  const documents = await group.all(images.map((image) => (task) => inDockerFormat(registry, image, task)));
  const list = mergeSources(
    documents.map(({ source, descriptor, bytes, manifest }) => ({
      reference: source.reference,
      descriptor,
      bytes,
      document: { type: "manifest", manifest },
    })),
    { annotations: [], preferIndex: merged.index !== undefined },
  );
  const { mediaType, digest } = list.descriptor;
  for (const target of targets.map(withDefaultTag)) {
    const copier = new Copier(registry, target);
    for (const { source, descriptor, bytes, manifest } of documents) {
      if (repositoryName(source.reference) !== repositoryName(target)) {
        await copier.copyBlobs(source.reference, [manifest.config, ...manifest.layers], options);
      }
      const document = { mediaType: descriptor.mediaType, bytes };
      await registry.pushManifest({ ...target, digest: descriptor.digest }, document, descriptor.digest, options);
    }
    // A digest that was asked for is that of the other format.
    const { tag, ...untagged } = target;
    const place = target.digest === undefined && tag !== undefined ? target : { ...untagged, digest };
    await registry.pushManifest(
      place,
      { mediaType, bytes: list.bytes },
      target.digest === undefined ? (tag ?? digest) : digest,
      options,
    );
  }
  return { descriptor: list.descriptor, withoutAttestations: images.length < merged.children.length };
}

async function inDockerFormat(
  registry: Registry,
  source: Source,
  options: { signal: AbortSignal },
): Promise<{ source: Source; descriptor: Descriptor; bytes: Uint8Array; manifest: Manifest }> {
  const { reference, descriptor: old } = source;
  const { config, layers } = decodeManifest(await registry.fetchManifest(reference, old, options), old.mediaType);
  const named = ({ mediaType, digest, size, urls }: Descriptor): Descriptor => ({
    mediaType: toFamily(mediaType, "docker"),
    digest,
    size,
    ...(urls ? { urls } : {}),
  });
  const manifest = createManifest({ family: "docker", config: named(config), layers: layers.map(named) });
  const bytes = encodeManifest(manifest);
  const descriptor = {
    ...describe(mediaTypes.dockerManifest, bytes),
    ...(old.platform ? { platform: old.platform } : {}),
  };
  return { source, descriptor, bytes, manifest };
}
