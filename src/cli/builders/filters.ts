import { BuildError } from "../../base/errors/mod.ts";
import { parseGoDuration } from "../../base/text/go-values/mod.ts";
import { UsageError } from "../flags/usage-error.ts";

/** Which records of a cache are meant. */
export interface CacheFilter {
  /** Not used for this long. */
  readonly unusedForMs: number;
  /** In the engine's language; empty: all. */
  readonly filters: readonly string[];
}

/**
 * Reads `--filter` values. Several of them must all hold.
 * @param configured filters of Docker's configuration, of which those count whose keys the command line does not name
 * @throws {UsageError} for what is no `key=value`, {@link BuildError} with buildx's words for keys and values that make no sense
 */
export function parseCacheFilters(texts: readonly string[], configured: readonly string[] = []): CacheFilter {
  const values = new Map<string, Set<string>>();
  const add = (key: string, value: string) => values.set(key, (values.get(key) ?? new Set()).add(value));
  for (const text of texts) {
    if (text === "") continue;
    const equals = text.indexOf("=");
    if (equals < 0) {
      throw new UsageError(
        `invalid argument ${JSON.stringify(text)} for "--filter" flag: bad format of filter (expected name=value)`,
      );
    }
    add(text.slice(0, equals).trim().toLowerCase(), text.slice(equals + 1).trim());
  }
  const given = new Set(values.keys());
  for (const text of configured) {
    const [key = "", ...rest] = text.split("=");
    if (rest.length > 0 && !given.has(key)) add(key, rest.join("="));
  }
  if (values.has("until") && values.has("unused-for")) {
    throw invalid('conflicting filters "until" and "unused-for"');
  }
  let unusedForMs = 0;
  const filters: string[] = [];
  for (const [key, several] of values) {
    const [value = ""] = several;
    if (several.size > 1) throw invalid(`${JSON.stringify(key)} filter expects only one value`);
    if (key === "until" || key === "unused-for") {
      const ms = parseGoDuration(value);
      if (ms === undefined) {
        throw invalid(
          `${JSON.stringify(key)} filter expects a duration (e.g., '24h'): time: invalid duration ${JSON.stringify(value)}`,
        );
      }
      unusedForMs = ms;
    } else if (key === "id") filters.push(`id~=${value}`);
    else filters.push(key.endsWith("!") || key.endsWith("~") ? `${key}=${value}` : `${key}==${value}`);
  }
  return { unusedForMs, filters: filters.length === 0 ? [] : [filters.join(",")] };
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
