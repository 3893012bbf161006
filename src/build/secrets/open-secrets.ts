import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { maxSecretBytes } from "../../session/mod.ts";
import { parseSecret, type SecretSource } from "./parse-secret.ts";

/** Secrets by id. Each is read when it is asked for: none is kept here. */
export type Secrets = ReadonlyMap<string, () => Promise<Uint8Array | undefined>>;

/**
 * Checks the values of `--secret`, so that a mistake is told before anything is built.
 * @throws {BuildError} `invalid_argument`, or `not_found` for a file that is not there
 */
export async function openSecrets(
  values: readonly string[],
  { env, cwd }: { readonly env: Readonly<Record<string, string | undefined>>; readonly cwd: string },
): Promise<Secrets> {
  const secrets = new Map<string, () => Promise<Uint8Array | undefined>>();
  for (const text of values) {
    const { id, file, env: variable } = withDefault(parseSecret(text), env);
    if (id === "") throw new BuildError("invalid_argument", "secret missing ID");
    if (secrets.has(id)) throw new BuildError("invalid_argument", `duplicate secret ID ${JSON.stringify(id)}`);
    if (variable !== undefined) {
      const value = env[variable];
      secrets.set(id, () => Promise.resolve(value === undefined ? undefined : Buffer.from(value)));
      continue;
    }
    const path = resolve(cwd, file ?? id);
    await check(id, path);
    secrets.set(id, () => readFile(path));
  }
  return secrets;
}

/** What is said of a secret without a source: the variable of its name, else the file. */
function withDefault(source: SecretSource, env: Readonly<Record<string, string | undefined>>): SecretSource {
  if (source.env !== undefined || source.file !== undefined || source.id === "") return source;
  return env[source.id] === undefined ? { ...source, file: source.id } : { ...source, env: source.id };
}

async function check(id: string, path: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new BuildError("not_found", `failed to stat ${path}: ${messageOf(cause)}`, { cause });
  });
  if (found.isDirectory()) throw new BuildError("invalid_argument", `secret ${id}: ${path} is a directory`);
  if (found.size > maxSecretBytes) {
    throw new BuildError("invalid_argument", `secret ${id} too big. max size 500KB`);
  }
}
