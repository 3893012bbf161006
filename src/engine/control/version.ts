import { dockerfileVersion } from "../frontends/mod.ts";

/** What this engine calls itself. */
export function buildkitVersion(version: string) {
  return { package: "polyarch", version: `v${version}`, revision: "", dockerfileVersion };
}
