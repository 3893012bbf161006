import type { BuildOptions } from "../build-options.ts";

/** The options of `build .`, with some of them changed. */
export function buildOptions(changes: Partial<BuildOptions> = {}): BuildOptions {
  return {
    context: ".",
    dockerfile: "",
    buildContexts: [],
    target: "",
    tags: [],
    platforms: [],
    buildArgs: [],
    labels: [],
    annotations: [],
    attest: [],
    noCache: false,
    noCacheFilter: [],
    pull: false,
    network: "default",
    addHosts: [],
    ulimits: [],
    cgroupParent: "",
    resources: [],
    secrets: [],
    ssh: [],
    allow: [],
    cacheFrom: [],
    cacheTo: [],
    outputs: [],
    push: false,
    load: false,
    ...changes,
  };
}
