import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BuildError, messageOf } from "../../base/errors/mod.ts";

/** What provenance says by itself. */
const builtin: readonly string[] = ["buildConfig", "builderPlatform", "platform"];

/**
 * What an engine's owner wants provenance to say of it: the files of a directory whose names end in `.json`, each one JSON object, later ones over
 * earlier ones. Nothing where there is no such directory.
 * @throws {BuildError} `invalid_argument` with BuildKit's words
 */
export function loadProvenanceEnv(directory: string): Readonly<Record<string, unknown>> {
  if (!existsSync(directory)) return {};
  let told: Readonly<Record<string, unknown>> = {};
  const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
  for (const name of files.map((entry) => entry.name).toSorted()) {
    if (name.endsWith(".json")) told = { ...told, ...readObject(join(directory, name), name) };
  }
  const key = builtin.find((known) => known in told);
  if (key === undefined) return told;
  throw invalid(`key ${JSON.stringify(key)} is builtin and not allowed to be modified in provenance config`);
}

function readObject(path: string, name: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw invalid(`failed to parse ${name}: ${messageOf(cause)}`, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw invalid(`failed to parse ${name}: want a JSON object`);
}

const invalid = (message: string, options: ErrorOptions = {}) => new BuildError("invalid_argument", message, options);
