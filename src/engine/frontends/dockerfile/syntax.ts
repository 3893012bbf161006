import { parseReference, type Reference } from "../../../oci/mod.ts";

/** The version of `docker/dockerfile` whose language is built in, labs included. */
const builtinVersion = { major: 1, minor: 26 } as const;

/** The same as text, for clients that ask, and for provenance. */
export const dockerfileVersion = `${builtinVersion.major}.${builtinVersion.minor}.0`;

/** Where the frontend's image is published, and registries that mirror Docker Hub. */
const repositories: ReadonlySet<string> = new Set(["docker/dockerfile", "docker/dockerfile-upstream"]);
const registries: ReadonlySet<string> = new Set(["docker.io", "mirror.gcr.io", "registry.hub.docker.com"]);

/**
 * Whether `ref` names the frontend that is built in: `dockerfile.v0`, or `docker/dockerfile` in any version up to the one that is. What is
 * newer may have what is not here.
 */
export function isBuiltinFrontend(ref: string): boolean {
  if (ref === "dockerfile.v0") return true;
  let reference: Reference;
  try {
    reference = parseReference(ref);
  } catch {
    return false;
  }
  const { registry, repository, tag = "latest" } = reference;
  if (!registries.has(registry) || !repositories.has(repository)) return false;
  if (/^(latest|labs|master|master-labs|1|1-labs)$/.test(tag)) return true;
  const [, major, minor] = /^(\d+)\.(\d+)(?:\.\d+)?(?:-.*)?$/.exec(tag) ?? [];
  return Number(major) === builtinVersion.major && Number(minor) <= builtinVersion.minor;
}
