import { BuildError } from "../base/errors/mod.ts";

/** A request that is sent on more often goes in circles. */
export const redirectLimit = 10;

/** A `Location`, which may be relative, as a URL. */
export function resolveLocation(location: string, base: string, registry: string): string {
  const url = URL.canParse(location, base) ? new URL(location, base) : undefined;
  if (url && (url.protocol === "http:" || url.protocol === "https:")) return url.href;
  throw new BuildError(
    "unavailable",
    `registry "${registry}" points to an unusable place: ${JSON.stringify(location.slice(0, 200))}`,
  );
}
