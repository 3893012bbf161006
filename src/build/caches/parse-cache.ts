import { BuildError } from "../../base/errors/mod.ts";
import { parseCsvFields } from "../../base/text/csv/mod.ts";

/** Where a cache is taken from or written to, as a request has it. */
export interface CacheEntry {
  readonly type: string;
  /** Without `type`. */
  readonly attrs: Readonly<Record<string, string>>;
}

/**
 * Parses one value of `--cache-from` or `--cache-to`: `type=…,key=value,…`, or references of a registry.
 * @throws {BuildError} `invalid_argument` with docker buildx's words
 */
export function parseCache(text: string): readonly CacheEntry[] {
  const fields = parseFields(text);
  if (fields.every((field) => !field.includes("="))) {
    return fields.filter((ref) => ref !== "").map((ref) => ({ type: "registry", attrs: { ref } }));
  }
  const attrs: Record<string, string> = {};
  for (const field of fields) {
    const equals = field.indexOf("=");
    if (equals < 0) throw invalid(`invalid value ${field}`);
    attrs[field.slice(0, equals).toLowerCase()] = field.slice(equals + 1);
  }
  const { type, ...rest } = attrs;
  if (!type) throw invalid(`type required form> ${JSON.stringify(text)}`);
  return [{ type, attrs: rest }];
}

function parseFields(text: string): readonly string[] {
  try {
    return parseCsvFields(text);
  } catch (cause) {
    throw new BuildError("invalid_argument", `invalid value ${text}: ${(cause as Error).message}`, { cause });
  }
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
