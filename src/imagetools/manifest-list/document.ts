import { BuildError } from "../../base/errors/mod.ts";
import { type Descriptor, formatReference, mediaTypes, type Platform, type Reference } from "../../oci/mod.ts";
import { type ListEntry, platformOf } from "./entry.ts";

/** A manifest list as it is pushed. */
export interface ListDocument {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/**
 * The document of a list, letter for letter as docker's CLI makes it: an OCI index when the first entry is an OCI manifest.
 * @throws {BuildError} when an entry lies in another registry
 */
export function listDocument(list: Reference, entries: readonly ListEntry[]): ListDocument {
  for (const { reference } of entries) {
    if (reference.registry === list.registry) continue;
    throw new BuildError(
      "invalid_argument",
      `cannot use source images from a different registry than the target image: ${reference.registry} != ${list.registry}`,
    );
  }
  return listOf(entries.map((entry) => ({ ...entry.descriptor, platform: platformOf(entry) })));
}

/** The document of a list of these images. */
export function listOf(images: readonly Descriptor[]): ListDocument {
  const mediaType = images[0]?.mediaType === mediaTypes.ociManifest ? mediaTypes.ociIndex : mediaTypes.dockerIndex;
  const manifests = images.map(({ mediaType, size, digest, platform }) => ({
    mediaType,
    size,
    digest,
    platform: platformJson(platform ?? { os: "", architecture: "" }),
  }));
  const text = JSON.stringify({ schemaVersion: 2, mediaType, manifests }, undefined, 3);
  return { mediaType, bytes: new TextEncoder().encode(text) };
}

/** @throws {BuildError} naming the first entry that a registry would not know what to do with */
export function refuseWithoutPlatform(entries: readonly ListEntry[]): void {
  for (const entry of entries) {
    const { os, architecture } = platformOf(entry);
    if (os !== "" && architecture !== "") continue;
    throw new BuildError(
      "failed_precondition",
      `manifest ${formatReference(entry.reference)} must have an OS and Architecture to be pushed to a registry`,
    );
  }
}

function platformJson({ os, architecture, variant, osVersion, osFeatures }: Platform): Record<string, unknown> {
  return {
    architecture,
    os,
    ...(osVersion ? { "os.version": osVersion } : {}),
    ...(osFeatures?.length ? { "os.features": osFeatures } : {}),
    ...(variant ? { variant } : {}),
  };
}
