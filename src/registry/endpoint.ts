import type { HostConfig } from "./registry.ts";

/** One place to send requests to. */
export interface Endpoint {
  /** The registry as people write it, for messages. */
  readonly name: string;
  /** What logins and tokens are filed under, see `Credentials.for`. */
  readonly host: string;
  /** Scheme and authority, to be tried in this order; the first that works is remembered. */
  readonly origins: readonly [string, ...string[]];
  /** Where the API begins: `/v2/`, or below it for a mirror with a path. */
  readonly prefix: string;
  readonly config: HostConfig;
}

/** Looks up how to reach a host; nothing configured: `{}`. */
export type HostLookup = (host: string) => HostConfig;

/** Where Docker Hub really is. */
const hubHost = "registry-1.docker.io";

/** The registry itself: the only place to push to. */
export function originEndpoint(registry: string, hosts: HostLookup): Endpoint {
  const host = registry === "docker.io" ? hubHost : registry;
  const config = hosts(registry);
  return { name: registry, host, origins: originsOf(host, config), prefix: "/v2/", config };
}

/** Where to read from: mirrors as listed, then the registry itself. */
export function readEndpoints(registry: string, hosts: HostLookup): readonly Endpoint[] {
  const origin = originEndpoint(registry, hosts);
  const mirrors = (origin.config.mirrors ?? []).map((mirror): Endpoint => {
    const [host = "", ...path] = mirror.replace(/^https?:\/\//, "").split("/");
    const config = hosts(host);
    const prefix = path.filter(Boolean).join("/");
    return { name: mirror, host, origins: originsOf(host, config), prefix: prefix ? `/v2/${prefix}/` : "/v2/", config };
  });
  return [...mirrors, origin];
}

/** Whether a host (with or without a port) is this machine, by name. */
export function isLoopback(host: string): boolean {
  if (host === "::1") return true;
  const name = host.replace(/:\d+$/, "").toLowerCase();
  return name === "localhost" || name === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(name);
}

function originsOf(host: string, config: HostConfig): readonly [string, ...string[]] {
  const plain = config.plainHttp ?? (isLoopback(host) && !config.insecure && !config.ca);
  if (!plain) return [`https://${host}`];
  return config.insecure ? [`https://${host}`, `http://${host}`] : [`http://${host}`];
}
