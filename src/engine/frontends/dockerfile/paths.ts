import { cleanPath, joinPath } from "../../../base/text/paths/mod.ts";

/** `path` as seen from the directory `base`, absolute and clean. */
export function resolvePath(base: string, path: string): string {
  return path.startsWith("/") ? cleanPath(path) : joinPath("/", base, path);
}

/** As {@link resolvePath}, keeping what says "a directory": a slash, or `/.`, at the end. The empty path is the directory itself. */
export function resolveDestination(base: string, path: string): string {
  const resolved = resolvePath(base, path);
  if (path === "" || path === "." || path.endsWith("/")) return resolved.endsWith("/") ? resolved : `${resolved}/`;
  if (path.endsWith("/.")) return resolved === "/" ? "/." : `${resolved}/.`;
  return resolved;
}
