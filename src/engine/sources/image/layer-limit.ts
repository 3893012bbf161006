import { BuildError } from "../../../base/errors/mod.ts";
import type { ResolvedImage } from "./resolver.ts";

/**
 * How many layers of an image are wanted, base first; `undefined`: all.
 * @param text value of the attribute
 * @throws {BuildError} `invalid layer limit <text>`
 */
export function parseLayerLimit(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const limit = Number(text);
  if (/^\d{1,9}$/.test(text) && limit > 0) return limit;
  throw new BuildError("invalid_argument", `invalid layer limit ${text}`);
}

/** The image without the layers above the first `limit`. */
export function limited(image: ResolvedImage, limit: number | undefined): ResolvedImage {
  if (limit === undefined || limit >= image.manifest.layers.length) return image;
  const { manifest, config } = image;
  return {
    ...image,
    manifest: { ...manifest, layers: manifest.layers.slice(0, limit) },
    config: { ...config, rootfs: { ...config.rootfs, diff_ids: config.rootfs.diff_ids.slice(0, limit) } },
  };
}
