import type { CollectedCache } from "./collect.ts";
import { type CacheConfig, decodeCacheConfig, encodeCacheConfig } from "./config/cache-config.ts";

/** Where an image's config has its cache. */
export const inlineCacheKey = "moby.buildkit.cache.v0";

/** A cache as it stands in the config of the image that its layers are those of. */
export function encodeInlineCache({ config }: CollectedCache): string {
  return Buffer.from(encodeCacheConfig(config, { annotated: false })).toString("base64");
}

/**
 * The cache inside of an image's config; `undefined` when it has none.
 * @throws {BuildError} `invalid_argument`
 */
export function inlineCacheOf(imageConfig: Uint8Array): CacheConfig | undefined {
  const json = JSON.parse(new TextDecoder().decode(imageConfig)) as Readonly<Record<string, unknown>> | null;
  const text = json?.[inlineCacheKey];
  return typeof text === "string" ? decodeCacheConfig(Buffer.from(text, "base64")) : undefined;
}
