import { parseCsvFields } from "../../base/text/csv/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";

/** One wish of what to do with a build's result, as `--output` says it. */
export interface Output {
  /** `image`, `oci`, `docker`, `tar`, `local`, `cacheonly`; others are left to the engine to know. */
  readonly type: string;
  /** Without `type` and `dest`. */
  readonly attrs: Readonly<Record<string, string>>;
  /** Path, or `-` for stdout; absent when not given. */
  readonly dest?: string;
}

/**
 * Parses the value of one `--output`: `type=…,key=value,…`, a directory, or `-` for a tar on stdout.
 * @throws {BuildError} `invalid_argument` with docker buildx's words
 */
export function parseOutput(text: string): Output {
  const fields = parseFields(text);
  const [only] = fields;
  if (fields.length === 1 && only !== undefined && only === text && !/^(type|dest)=/.test(text)) {
    return only === "-" ? { type: "tar", attrs: {}, dest: "-" } : { type: "local", attrs: {}, dest: only };
  }
  const attrs: Record<string, string> = {};
  for (const field of fields) {
    const equals = field.indexOf("=");
    if (equals < 0) throw new BuildError("invalid_argument", `invalid value ${field}`);
    attrs[field.slice(0, equals).trim().toLowerCase()] = field.slice(equals + 1);
  }
  const { type, dest, ...rest } = attrs;
  if (type === undefined || type === "") throw new BuildError("invalid_argument", "type is required for output");
  const known = type === "registry" ? { type: "image", attrs: { ...rest, push: "true" } } : { type, attrs: rest };
  return { ...known, ...(dest === undefined ? {} : { dest }) };
}

function parseFields(text: string): string[] {
  try {
    return parseCsvFields(text);
  } catch (cause) {
    throw new BuildError("invalid_argument", `invalid value ${text}: ${(cause as Error).message}`, { cause });
  }
}
