import { BuildError } from "../../base/errors/mod.ts";
import { type Descriptor, type Digest, formatPlatform, type Platform, platformMatcher } from "../../oci/mod.ts";
import { type Merged, withIndex } from "./merge.ts";

const referenceType = "vnd.docker.reference.type";
const referenceDigest = "vnd.docker.reference.digest";
const attestation = "attestation-manifest";

/**
 * Keeps of an image what is for one of `platforms` (all, when empty), statements about what is kept, and what is for no platform.
 * @throws {BuildError} when nothing is left
 */
export function keepPlatforms(merged: Merged, platforms: readonly Platform[]): Merged {
  if (platforms.length === 0) return merged;
  const matchers = platforms.map((platform) => platformMatcher(platform, { strict: true }));
  const matches = (platform: Platform) => matchers.some((matcher) => matcher.matches(platform));
  const { index, descriptor } = merged;
  if (!index) {
    const { platform } = descriptor;
    if (!platform) throw invalid("cannot filter platforms from a manifest without platform information");
    if (matches(platform)) return merged;
    throw invalid(`input platform ${formatPlatform(platform)} does not match any of the provided platforms`);
  }
  const isKept = (child: Descriptor) => !child.platform || matches(child.platform);
  const byDigest = new Map(index.manifests.map((child) => [child.digest, child]));
  const kept = merged.children.filter(({ descriptor: child }) => {
    const subject = subjectOf(child);
    if (subject === undefined) return isKept(child);
    const about = byDigest.get(subject);
    return about !== undefined && isKept(about);
  });
  if (kept.length === 0) throw invalid("none of the manifests match the provided platforms");
  if (kept.length === index.manifests.length) return merged;
  const manifests = kept.map(({ descriptor: child }) => child);
  return withIndex({ ...index, manifests }, kept, descriptor);
}

/** The manifest that an attestation manifest is about; `undefined` for everything else. */
export function subjectOf({ annotations }: Descriptor): Digest | undefined {
  if (annotations?.[referenceType] !== attestation) return undefined;
  return annotations[referenceDigest] as Digest | undefined;
}

/** An attestation manifest as an index lists it. */
export function asAttestationOf(subject: Digest, { mediaType, digest, size, annotations }: Descriptor): Descriptor {
  return {
    mediaType,
    digest,
    size,
    platform: { os: "unknown", architecture: "unknown" },
    annotations: { ...annotations, [referenceType]: attestation, [referenceDigest]: subject },
  };
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
