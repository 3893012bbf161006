/** Caches that a build takes from elsewhere, and leaves elsewhere: `--cache-from`, `--cache-to`. */
export { type BuildCaches, cacheAttrs, openCaches } from "./open-caches.ts";
export { type CacheEntry, parseCache } from "./parse-cache.ts";
