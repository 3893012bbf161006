import { type Descriptor, formatPlatform, type Platform } from "../../oci/mod.ts";
import { subjectOf } from "./filter-platforms.ts";
import { type Merged, withIndex } from "./merge.ts";

/**
 * Puts an image's manifests in the order of `platforms`, statements about them behind all of them in the same order; what is for none of them
 * keeps its place at the end.
 */
export function orderPlatforms(merged: Merged, platforms: readonly Platform[]): Merged {
  const { index, children, descriptor } = merged;
  if (!index || platforms.length === 0) return merged;
  const places = new Map(platforms.map((platform, at) => [formatPlatform(platform), at]));
  const byDigest = new Map(index.manifests.map((child) => [child.digest, child]));
  const place = (child: Descriptor): number => {
    const subject = subjectOf(child);
    if (subject === undefined)
      return places.get(child.platform ? formatPlatform(child.platform) : "") ?? platforms.length;
    const about = byDigest.get(subject);
    return platforms.length + 1 + (about ? place(about) : platforms.length);
  };
  const ordered = children.toSorted((a, b) => place(a.descriptor) - place(b.descriptor));
  if (ordered.every((child, at) => child === children[at])) return merged;
  return withIndex({ ...index, manifests: ordered.map((child) => child.descriptor) }, ordered, descriptor);
}
