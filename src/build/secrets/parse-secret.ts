import { BuildError } from "../../base/errors/mod.ts";
import { parseCsvFields } from "../../base/text/csv/mod.ts";

/** Where a secret comes from. */
export interface SecretSource {
  readonly id: string;
  /** As typed; `undefined`: not said. */
  readonly file?: string;
  /** Name of the variable that holds it; `undefined`: not said. */
  readonly env?: string;
}

/**
 * Reads a value of `--secret`: `id=…` with `src=…`, or `env=…`, or `type=file|env`.
 * @throws {BuildError} `invalid_argument` in docker buildx's words
 */
export function parseSecret(text: string): SecretSource {
  let type = "";
  let id = "";
  let file: string | undefined;
  let env: string | undefined;
  for (const field of fieldsOf(text)) {
    const at = field.indexOf("=");
    if (at < 0) throw invalid(`invalid field '${field}' must be a key=value pair`);
    const key = field.slice(0, at).toLowerCase();
    const value = field.slice(at + 1);
    switch (key) {
      case "type":
        if (value !== "file" && value !== "env") throw invalid(`unsupported secret type ${JSON.stringify(value)}`);
        type = value;
        break;
      case "id":
        id = value;
        break;
      case "source":
      case "src":
        file = value;
        break;
      case "env":
        env = value;
        break;
      default:
        throw invalid(`unexpected key '${key}' in '${field}'`);
    }
  }
  if (type === "env" && !env) {
    env = file;
    file = undefined;
  }
  return { id, ...(file && { file }), ...(env && { env }) };
}

function fieldsOf(text: string): readonly string[] {
  try {
    return parseCsvFields(text);
  } catch (cause) {
    throw new BuildError("invalid_argument", `failed to parse csv secret: ${(cause as Error).message}`, { cause });
  }
}

const invalid = (message: string) => new BuildError("invalid_argument", message);
