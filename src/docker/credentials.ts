import type { DockerConfig, StoredLogin } from "./config.ts";
import { askCredentialHelper } from "./credential-helper.ts";
import { dockerHubKey } from "./login-key.ts";

/** How to log in to one registry. */
export type DockerLogin =
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string }
  | { readonly registryToken: string };

/** Looks up logins by registry host. */
export interface DockerCredentials {
  /** @returns `undefined` when the user is not logged in there */
  for(host: string, options: { signal: AbortSignal }): Promise<DockerLogin | undefined>;
}

const hubHosts = new Set(["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"]);

/**
 * Logins from Docker's config: the helper of that registry, else the helper of all registries, else what the file itself holds.
 * A helper is asked once per registry.
 */
export function credentialsFromDocker(
  config: DockerConfig,
  options: { env: Readonly<Record<string, string | undefined>> },
): DockerCredentials {
  const known = new Map<string, DockerLogin | undefined>();
  return {
    async for(host, { signal }) {
      if (known.has(host)) return known.get(host);
      const login = (await fromHelper(config, host, { env: options.env, signal })) ?? fromFile(config, host);
      known.set(host, login);
      return login;
    },
  };
}

/** Spellings to try for a host, the usual one first. */
function keysOf(host: string): readonly string[] {
  return hubHosts.has(host) ? [dockerHubKey, "index.docker.io", "docker.io", "registry-1.docker.io"] : [host];
}

async function fromHelper(
  config: DockerConfig,
  host: string,
  options: { env: Readonly<Record<string, string | undefined>>; signal: AbortSignal },
): Promise<DockerLogin | undefined> {
  const keys = keysOf(host);
  const key = keys.find((k) => config.credHelpers.has(k)) ?? (keys[0] as string);
  const helper = config.credHelpers.get(key) ?? config.credsStore;
  if (helper === undefined) return undefined;
  const answer = await askCredentialHelper(helper, key, options);
  if (!answer) return undefined;
  return answer.username === "<token>"
    ? { identityToken: answer.secret }
    : { username: answer.username, password: answer.secret };
}

function fromFile(config: DockerConfig, host: string): DockerLogin | undefined {
  const keys = keysOf(host);
  const exact = keys.map((key) => config.auths.get(key)).find((login) => login !== undefined);
  if (exact) return asLogin(exact);
  for (const [key, login] of config.auths) if (keys.includes(hostOf(key))) return asLogin(login);
  return undefined;
}

/** The host of a key that was written as a URL: `https://host/v1/`. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, "").split("/", 1)[0] as string;
}

function asLogin({ username, password, identityToken, registryToken }: StoredLogin): DockerLogin | undefined {
  if (registryToken !== undefined) return { registryToken };
  if (identityToken !== undefined) return { identityToken };
  return username === undefined ? undefined : { username, password: password ?? "" };
}
