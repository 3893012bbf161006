import { access, constants, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { dockerConfigDirectory, type DockerConfig, parseDockerConfig } from "./config.ts";
import { changeDockerConfig, type RawConfig } from "./config-file.ts";
import { eraseFromCredentialHelper, storeInCredentialHelper } from "./credential-helper.ts";

/** A login that a registry has taken. */
export interface LoginToKeep {
  readonly username: string;
  /** Not there when there is a token to use in its place. */
  readonly password?: string;
  readonly identityToken?: string;
}

/** Where a login is now: with a helper, or unencrypted in a file. `isNew`: it was not there before. */
export type KeptIn =
  | { readonly type: "helper"; readonly helper: string }
  | { readonly type: "file"; readonly path: string; readonly isNew: boolean };

/** Whose logins they are. */
interface Place {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly signal: AbortSignal;
}

/** Keeps a login where Docker would: with the registry's helper, the helper of all registries, or in `config.json`. */
export async function storeLogin(key: string, login: LoginToKeep, place: Place): Promise<KeptIn> {
  const { path, config } = await readConfig(place);
  const first = await defaultHelper(config, place);
  const helper = config.credHelpers.get(key) ?? config.credsStore ?? first;
  const { username, password = "", identityToken } = login;
  if (helper !== undefined) {
    const answer = identityToken ? { username: "<token>", secret: identityToken } : { username, secret: password };
    await storeInCredentialHelper(helper, key, answer, place);
  }
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  const inFile = helper === undefined ? { auth, ...(identityToken ? { identitytoken: identityToken } : {}) } : {};
  let isNew = true;
  await changeDockerConfig(path, (raw) => {
    isNew = !isDeepStrictEqual(raw.auths?.[key], inFile);
    if (first !== undefined) raw.credsStore = first;
    raw.auths = { ...raw.auths, [key]: inFile };
    return isNew || first !== undefined;
  });
  return helper === undefined ? { type: "file", path, isNew } : { type: "helper", helper };
}

/** Forgets the logins that are filed under `keys`. Those that are not there are no failure. */
export async function eraseLogin(keys: readonly string[], place: Place): Promise<void> {
  const { path, config } = await readConfig(place);
  for (const key of keys) {
    const helper = config.credHelpers.get(key) ?? config.credsStore;
    if (helper !== undefined) await eraseFromCredentialHelper(helper, key, place);
  }
  await changeDockerConfig(path, (raw: RawConfig) => {
    const kept = Object.entries(raw.auths ?? {}).filter(([key]) => !keys.includes(key));
    if (kept.length === Object.keys(raw.auths ?? {}).length) return false;
    raw.auths = Object.fromEntries(kept);
    return true;
  });
}

async function readConfig({ env, home }: Place): Promise<{ path: string; config: DockerConfig }> {
  const path = join(dockerConfigDirectory(env, home), "config.json");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  return { path, config: parseDockerConfig(text, path) };
}

/** The helper that Docker takes on Linux when a first login is kept and nothing says where: `pass`, else the desktop's secret service. */
async function defaultHelper(config: DockerConfig, { env }: Place): Promise<string | undefined> {
  if (config.auths.size > 0 || config.credHelpers.size > 0 || config.credsStore !== undefined) return undefined;
  const helper = (await isInstalled("pass", env)) ? "pass" : "secretservice";
  return (await isInstalled(`docker-credential-${helper}`, env)) ? helper : undefined;
}

async function isInstalled(program: string, env: Place["env"]): Promise<boolean> {
  for (const directory of (env.PATH ?? "").split(delimiter).filter(Boolean)) {
    const found = await access(join(directory, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
