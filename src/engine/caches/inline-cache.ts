import type { Digest } from "../../oci/mod.ts";
import type { CollectedCache } from "./collect.ts";
import { type CacheConfig, decodeCacheConfig, decodeCacheRecords, encodeCacheRecords } from "./config/cache-config.ts";

/** Where an image's config has its cache. */
export const inlineCacheKey = "moby.buildkit.cache.v0";

/**
 * A cache as it stands in the config of an image: its records, whose layers are those of the image.
 * @param image digests of the image's layers as they are stored, base first; what consists of others is left out
 */
export function encodeInlineCache({ config }: CollectedCache, image: readonly Digest[]): string {
  const layers = image.map((blob, at) => ({ blob, parent: at - 1 }));
  const records = config.records.map(({ results, ...record }) => ({
    ...record,
    results: results.flatMap((result) => {
      const places = result.map((layer) => image.indexOf(config.layers[layer]?.blob as Digest));
      return places.includes(-1) ? [] : [places];
    }),
  }));
  return Buffer.from(encodeCacheRecords({ layers, records })).toString("base64");
}

/**
 * The cache inside of an image's config; `undefined` when it has none.
 * @param image as for {@link encodeInlineCache}
 * @throws {BuildError} `invalid_argument`
 */
export function inlineCacheOf(imageConfig: Uint8Array, image: readonly Digest[]): CacheConfig | undefined {
  const json = JSON.parse(new TextDecoder().decode(imageConfig)) as Readonly<Record<string, unknown>> | null;
  const text = json?.[inlineCacheKey];
  if (typeof text !== "string") return undefined;
  const bytes = Buffer.from(text, "base64");
  // This engine wrote a whole list of contents there once.
  if (bytes[0] === 0x7b) return decodeCacheConfig(bytes);
  return decodeCacheRecords(
    bytes,
    image.map((blob, at) => ({ blob, parent: at - 1 })),
  );
}
