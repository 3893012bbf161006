import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../../base/errors/mod.ts";

/** How to reach a Docker Engine. */
export interface EngineAddress {
  /** As Docker spells it, for people: `unix:///var/run/docker.sock`. */
  readonly text: string;
  readonly socketPath?: string;
  readonly origin: string;
}

const defaultHost = "unix:///var/run/docker.sock";

/**
 * Where Docker's own commands would find the engine: `DOCKER_HOST`, else the context that `DOCKER_CONTEXT` or the config names, else the
 * usual socket.
 * @throws {BuildError} `unimplemented` for addresses that need ssh or TLS; `not_found` for an unknown context
 */
export async function dockerEngineAddress(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly configDirectory: string;
  readonly currentContext?: string | undefined;
}): Promise<EngineAddress> {
  const { env, configDirectory } = options;
  const tls = env.DOCKER_TLS_VERIFY !== undefined && env.DOCKER_TLS_VERIFY !== "";
  if (env.DOCKER_HOST) return parseAddress(env.DOCKER_HOST, tls);
  const context = env.DOCKER_CONTEXT || options.currentContext || "default";
  if (context === "default") return parseAddress(defaultHost, false);
  return parseAddress(await contextHost(configDirectory, context), false);
}

function parseAddress(text: string, tls: boolean): EngineAddress {
  const [, scheme, rest = ""] = /^([a-z]+):\/\/(.+)$/.exec(text) ?? [];
  if (scheme === "unix") return { text, socketPath: rest, origin: "http://api.moby.localhost" };
  if (scheme === "tcp" && !tls) return { text, origin: `http://${rest.replace(/\/+$/, "")}` };
  if (scheme === "tcp" || scheme === "ssh" || scheme === "https") {
    throw new BuildError(
      "unimplemented",
      `loading into the Docker Engine at ${text} is not supported yet: it needs ${scheme === "ssh" ? "ssh" : "TLS"}`,
    );
  }
  throw new BuildError("invalid_argument", `unable to parse docker host \`${text}\``);
}

/** @see https://docs.docker.com/engine/manage-resources/contexts/ (one directory per context, named by the digest of its name) */
async function contextHost(configDirectory: string, name: string): Promise<string> {
  const id = createHash("sha256").update(name).digest("hex");
  let meta: unknown;
  try {
    meta = JSON.parse(await readFile(join(configDirectory, "contexts/meta", id, "meta.json"), "utf8"));
  } catch (cause) {
    throw new BuildError("not_found", `docker context ${JSON.stringify(name)} not found`, { cause });
  }
  const host = (meta as { Endpoints?: { docker?: { Host?: unknown } } } | null)?.Endpoints?.docker?.Host;
  return typeof host === "string" && host !== "" ? host : defaultHost;
}
