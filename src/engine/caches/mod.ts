/**
 * Caches that leave the engine: what a build has found out is written to a registry, a directory or into the image itself, and read by builds on
 * engines that have not done the work. One file of `backends/` per kind of place.
 */
export type { CacheContext, FoundCache } from "./backend.ts";
export { collectCache, type CollectedCache } from "./collect.ts";
export { importedCache } from "./imported-cache.ts";
export { encodeInlineCache, inlineCacheKey } from "./inline-cache.ts";
export { type CacheEntry, type CacheExports, entryKey, openCacheExports, openCacheImporter } from "./requests.ts";
