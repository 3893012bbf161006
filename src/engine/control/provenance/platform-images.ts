import { formatPlatform, type Platform } from "../../../oci/mod.ts";
import type { ImageMaterial } from "../../attestations/mod.ts";

/**
 * The images that have to do with one platform of a result for several: where an image was asked about for every platform, those for the others go.
 * @param current `undefined`: the result is for one platform alone
 */
export function imagesFor(
  current: Platform | undefined,
  images: readonly ImageMaterial[],
  platforms: readonly Platform[],
): readonly ImageMaterial[] {
  if (!current) return images;
  const wanted = platforms.map(formatPlatform);
  const asked = Map.groupBy(images, ({ ref }) => ref);
  return images.filter(({ ref, platform }) => {
    const known = new Set(asked.get(ref)?.map((image) => image.platform && formatPlatform(image.platform)));
    if (!platform || !wanted.every((text) => known.has(text))) return true;
    return platform.os === current.os && platform.architecture === current.architecture;
  });
}
