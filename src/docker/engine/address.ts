import { join } from "node:path";
import { BuildError } from "../../base/errors/mod.ts";
import { parseSshTarget, type SshTarget } from "../../base/stdio/mod.ts";
import { findContext, readTlsDirectory, type TlsMaterial } from "../contexts/mod.ts";

/** How to reach a Docker Engine. `text` is as Docker spells it, for people: `unix:///var/run/docker.sock`. */
export type EngineAddress =
  | { readonly type: "unix"; readonly text: string; readonly path: string }
  | {
      readonly type: "tcp";
      readonly text: string;
      readonly host: string;
      readonly port: number;
      readonly tls?: TlsMaterial | undefined;
    }
  | { readonly type: "ssh"; readonly text: string; readonly target: SshTarget };

/** Where Docker's settings are looked for. */
export interface EngineSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Docker's own: `$DOCKER_CONFIG`, or `~/.docker`. */
  readonly configDirectory: string;
  /** Of `config.json`. */
  readonly currentContext?: string | undefined;
}

/** Where an engine listens when nothing else is said. */
export const defaultDockerHost = "unix:///var/run/docker.sock";

/**
 * Name of the context in use: `default` when `DOCKER_HOST` is set, else what `DOCKER_CONTEXT` or the config names, else `default`.
 */
export function currentContextName({ env, currentContext }: EngineSurroundings): string {
  if (env.DOCKER_HOST) return "default";
  return env.DOCKER_CONTEXT || currentContext || "default";
}

/**
 * Where Docker's own commands would find the engine: `DOCKER_HOST`, else the context that `DOCKER_CONTEXT` or the config names, else the
 * usual socket.
 * @throws {BuildError} `not_found` for an unknown context, `invalid_argument` for an address that is none
 */
export async function dockerEngineAddress(surroundings: EngineSurroundings): Promise<EngineAddress> {
  return await engineAddressOf(currentContextName(surroundings), surroundings);
}

/**
 * Where the engine is that a builder's node names: by a context, or by an address of its own, which then goes without TLS.
 * @throws {BuildError} as {@link dockerEngineAddress}
 */
export async function engineAddressOf(endpoint: string, surroundings: EngineSurroundings): Promise<EngineAddress> {
  const { env, configDirectory } = surroundings;
  if (endpoint === "default") {
    if (!env.DOCKER_HOST) return parseDockerHost(defaultDockerHost);
    return parseDockerHost(env.DOCKER_HOST, { tls: await tlsOfEnvironment(surroundings) });
  }
  const context = await findContext(configDirectory, endpoint);
  if (context) return parseDockerHost(context.host || defaultDockerHost, { tls: context.tls });
  if (endpoint.includes("://")) return parseDockerHost(endpoint);
  throw new BuildError("not_found", `context ${JSON.stringify(endpoint)} does not exist: see docker context ls`);
}

/** An address as Docker's commands take it; without a scheme it is TCP. @throws {BuildError} `invalid_argument` with Docker's words */
export function parseDockerHost(text: string, options: { readonly tls?: TlsMaterial | undefined } = {}): EngineAddress {
  const [, scheme = text.includes("://") ? "" : "tcp", rest = text] = /^([a-z]+):\/\/(.+)$/.exec(text) ?? [];
  switch (scheme) {
    case "unix":
      return { type: "unix", text, path: rest };
    case "ssh":
      return { type: "ssh", text, target: parseSshTarget(text) };
    case "tcp":
    case "http":
    case "https":
      return parseTcp(text, rest, scheme === "https" ? (options.tls ?? { verify: true }) : options.tls);
    default:
      throw new BuildError("invalid_argument", `unable to parse docker host \`${text}\``);
  }
}

function parseTcp(text: string, rest: string, tls: TlsMaterial | undefined): EngineAddress {
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([^\s:/?#@[\]]+))(?::(\d{1,5}))?\/*$/.exec(rest) ?? [];
  const host = bracketed ?? plain;
  const port = Number(portText ?? (tls ? 2376 : 2375));
  if (host === undefined || port < 1 || port > 65_535) {
    throw new BuildError("invalid_argument", `unable to parse docker host \`${text}\`: want tcp://host:port`);
  }
  return { type: "tcp", text, host, port, ...(tls ? { tls } : {}) };
}

/** `DOCKER_TLS_VERIFY` and `DOCKER_TLS` ask for TLS, the former also for looking at the engine's certificate. */
async function tlsOfEnvironment({ env, configDirectory }: EngineSurroundings): Promise<TlsMaterial | undefined> {
  const verify = Boolean(env.DOCKER_TLS_VERIFY);
  if (!verify && !env.DOCKER_TLS) return undefined;
  const directory = env.DOCKER_CERT_PATH || configDirectory;
  const files = await readTlsDirectory(directory);
  if (verify && !files?.ca) {
    throw new BuildError(
      "invalid_argument",
      `could not read CA certificate ${JSON.stringify(join(directory, "ca.pem"))}: no such file or directory`,
    );
  }
  return { ...files, verify };
}
