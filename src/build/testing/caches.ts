import type { BuildCaches } from "../caches/mod.ts";

/** Caches of a build that has none but the engine's own. */
export const noCaches: BuildCaches = {
  imports: [],
  exports: [],
  readable: {},
  writable: {},
  warnings: [],
  finish: () => Promise.resolve(),
};
