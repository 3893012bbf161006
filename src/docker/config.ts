import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import type { ProxyConfig } from "./proxies.ts";

/** What `auths` holds for one registry. */
export interface StoredLogin {
  readonly username?: string;
  readonly password?: string;
  /** For the token server's refresh grant, in place of a password. */
  readonly identityToken?: string;
  /** Sent to the registry as it is. */
  readonly registryToken?: string;
}

/** The parts of Docker's `config.json` that concern images. Missing file, missing fields: empty. */
export interface DockerConfig {
  /** The file it came from, there or not. */
  readonly path: string;
  /** By registry as the file spells it (host, or URL for Docker Hub). */
  readonly auths: ReadonlyMap<string, StoredLogin>;
  /** Helper for every registry: `docker-credential-<name>`. */
  readonly credsStore?: string;
  /** Helper by registry. */
  readonly credHelpers: ReadonlyMap<string, string>;
  /** By engine address, or `default`. */
  readonly proxies: Readonly<Record<string, ProxyConfig>>;
  /** Filters, `key=value`, that hold for everything that is pruned. */
  readonly pruneFilters: readonly string[];
  /** Name of the Docker context in use. */
  readonly currentContext?: string;
}

/** The directory of Docker's own settings. */
export function dockerConfigDirectory(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return env.DOCKER_CONFIG || join(home, ".docker");
}

/**
 * Reads `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`; `DOCKER_AUTH_CONFIG` (the same JSON, as text) has precedence for
 * the logins it holds.
 * @throws {BuildError} `invalid_argument` naming the file, when it cannot be read or does not have the right form
 */
export async function loadDockerConfig(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): Promise<DockerConfig> {
  const path = join(dockerConfigDirectory(env, home), "config.json");
  const config = parseDockerConfig(await readOrEmpty(path), path);
  if (!env.DOCKER_AUTH_CONFIG) return config;
  const extra = parseDockerConfig(env.DOCKER_AUTH_CONFIG, "DOCKER_AUTH_CONFIG");
  // Logins from the environment win over helpers too: that is what people set it for.
  const credHelpers = new Map([...config.credHelpers].filter(([registry]) => !extra.auths.has(registry)));
  return { ...config, auths: new Map([...config.auths, ...extra.auths]), credHelpers };
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "";
    throw new BuildError("invalid_argument", `Cannot read Docker config file "${path}": ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Parses the text of a `config.json`. `path` is named in errors. */
export function parseDockerConfig(text: string, path: string): DockerConfig {
  const wrong = (what: string, cause?: unknown) =>
    new BuildError(
      "invalid_argument",
      `Cannot parse Docker config file "${path}": ${what}: mend the file, or remove it`,
      { cause },
    );
  const root = text.trim() === "" ? {} : parseObject(text, wrong);
  const object = (value: unknown, name: string): Readonly<Record<string, unknown>> => {
    if (value === undefined || value === null) return {};
    if (typeof value !== "object" || Array.isArray(value)) throw wrong(`${name} is not an object`);
    return value as Record<string, unknown>;
  };
  const string = (value: unknown, name: string): string | undefined => {
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value !== "string") throw wrong(`${name} is not a string`);
    return value;
  };
  const auths = new Map(
    Object.entries(object(root.auths, "auths")).map(([registry, value]) => {
      const where = `auths[${JSON.stringify(registry)}]`;
      const entry = object(value, where);
      const read = (name: string) => string(entry[name], `${where}.${name}`);
      const auth = read("auth");
      const [username, password] =
        auth === undefined ? [read("username"), read("password")] : decodeAuth(auth, where, wrong);
      return [
        registry,
        withoutUndefined({
          username,
          password,
          identityToken: read("identitytoken"),
          registryToken: read("registrytoken"),
        }),
      ] as const;
    }),
  );
  const credHelpers = new Map(
    Object.entries(object(root.credHelpers, "credHelpers")).flatMap(([registry, value]) => {
      const helper = string(value, `credHelpers[${JSON.stringify(registry)}]`);
      return helper === undefined ? [] : [[registry, helper] as const];
    }),
  );
  const proxyNames = ["httpProxy", "httpsProxy", "ftpProxy", "noProxy", "allProxy"] as const;
  const proxies = Object.fromEntries(
    Object.entries(object(root.proxies, "proxies")).map(([endpoint, value]) => {
      const entry = object(value, `proxies[${JSON.stringify(endpoint)}]`);
      return [
        endpoint,
        withoutUndefined(Object.fromEntries(proxyNames.map((name) => [name, string(entry[name], `proxies.${name}`)]))),
      ];
    }),
  );
  const pruneFilters = root.pruneFilters ?? [];
  if (!Array.isArray(pruneFilters) || !pruneFilters.every((filter) => typeof filter === "string")) {
    throw wrong("pruneFilters is not a list of strings");
  }
  return {
    path,
    auths,
    pruneFilters,
    credHelpers,
    proxies,
    ...withoutUndefined({
      credsStore: string(root.credsStore, "credsStore"),
      currentContext: string(root.currentContext, "currentContext"),
    }),
  };
}

function parseObject(
  text: string,
  wrong: (what: string, cause?: unknown) => BuildError,
): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw wrong(`not JSON: ${position(cause)}`, cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("not an object");
  return value as Record<string, unknown>;
}

/** Where the JSON breaks, without the excerpt that V8 adds: the file holds passwords. */
function position(cause: unknown): string {
  return /at position \d+(?: \(line \d+ column \d+\))?/.exec(messageOf(cause))?.[0] ?? "it ends too early";
}

function decodeAuth(auth: string, where: string, wrong: (what: string) => BuildError): readonly [string, string] {
  const text = Buffer.from(auth, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon <= 0) throw wrong(`${where}.auth is not base64 of "username:password"`);
  return [text.slice(0, colon), text.slice(colon + 1).replace(/\0+$/, "")];
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends Readonly<Record<string, unknown>>>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Defined<T>;
}
