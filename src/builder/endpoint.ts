import { BuildError } from "../base/errors/mod.ts";

const remoteSchemes = ["docker-container", "kube-pod", "npipe", "ssh", "tcp", "unix"];

/** Checks that the remote driver may know such an endpoint. @throws {BuildError} `unrecognized url scheme X` */
export function checkRemoteEndpoint(endpoint: string): string {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(endpoint)?.[1]?.toLowerCase() ?? "";
  if (!remoteSchemes.includes(scheme)) {
    throw invalid(`unrecognized url scheme ${scheme}: want one of ${remoteSchemes.map((s) => `${s}://`).join(", ")}`);
  }
  return endpoint;
}

/** Whether {@link checkRemoteEndpoint} takes it. */
export function isRemoteEndpoint(endpoint: string): boolean {
  try {
    checkRemoteEndpoint(endpoint);
    return true;
  } catch {
    return false;
  }
}

/**
 * The address of a Docker Engine, spelled out as Docker's own commands do: `localhost:2375` is TCP, ports and paths have defaults.
 * @param tls whether the usual port is the one for TLS
 * @throws {BuildError} with Docker's words
 */
export function fullDockerHost(text: string, options: { readonly tls: boolean }): string {
  const host = text.trim();
  const defaultPort = options.tls ? 2376 : 2375;
  if (host === "") return options.tls ? `tcp://localhost:${defaultPort}` : "unix:///var/run/docker.sock";
  const [, scheme = "tcp", rest = ""] = /^(?:([^:]*):\/\/)?(.*)$/s.exec(host) ?? [];
  switch (scheme) {
    case "unix":
    case "npipe":
      if (rest.includes("://")) throw invalid(`invalid proto, expected ${scheme}: ${rest}`);
      return `${scheme}://${rest || (scheme === "unix" ? "/var/run/docker.sock" : "//./pipe/docker_engine")}`;
    case "tcp":
      return fullTcpHost(rest, defaultPort);
    case "fd":
    case "ssh":
      return host;
    default:
      throw invalid(`invalid bind address format: ${host}`);
  }
}

function fullTcpHost(rest: string, defaultPort: number): string {
  if (rest === "") return `tcp://localhost:${defaultPort}`;
  if (rest.includes("://")) throw invalid(`invalid proto, expected tcp: ${rest}`);
  const [, bracketed, plain, port = "", path = ""] =
    /^(?:\[([^\]]+)\]|([^:/[\]]*))(?::(\d*))?(\/.*)?$/.exec(rest) ?? [];
  if ((bracketed === undefined && plain === undefined) || Number(port) > 65_535) {
    throw invalid(`invalid bind address format: ${rest}`);
  }
  const name = bracketed === undefined ? plain || "localhost" : `[${bracketed}]`;
  return `tcp://${name}:${port || defaultPort}${path}`;
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
