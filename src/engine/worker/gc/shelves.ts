import type { Shelf } from "./kept-directories.ts";

/** `<digest of the name>/<number>`: directories of `RUN --mount=type=cache`. */
export const cacheMounts: Shelf = {
  type: "exec.cachemount",
  directory: "cache-mounts",
  depth: 2,
  description: "cached mount",
};

/** What clients elsewhere have sent. */
export const receivedDirectories: Shelf = {
  type: "source.local",
  directory: "contexts/received",
  depth: 1,
  description: "local source",
};

/** Digests of the files of directories that are read where they lie. */
export const walkIndexes: Shelf = {
  type: "source.local",
  directory: "contexts/indexes",
  depth: 1,
  description: "index of local source",
};

/** Bare repositories, one for each remote. */
export const gitRepositories: Shelf = {
  type: "regular",
  directory: "git",
  depth: 1,
  description: "shared git repo",
};
