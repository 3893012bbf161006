import { readFileSync } from "node:fs";
import { createConnection, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { checkServerIdentity, connect as connectTls } from "node:tls";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import { openCommandStream, parseSshTarget, sshArguments } from "../base/stdio/mod.ts";

/** Files for a TLS connection, PEM each. Any of them given means TLS. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Name that the server's certificate must have. Default: the host. */
  readonly serverName?: string | undefined;
}

/** Opens one byte stream to an engine. */
export type Dial = (options: { readonly signal: AbortSignal }) => Promise<Duplex>;

/** What addresses leave open. */
export interface DialOptions {
  readonly tls?: TlsFiles | undefined;
  /** For the ssh that leads to the engine. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * How to reach an engine by its address: `unix:///path`, `tcp://host:port` (port 1234 when it is left out, as buildctl does), or
 * `ssh://[user@]host[:port][/socket]`, which runs `buildctl dial-stdio` there.
 * @throws {BuildError} `invalid_argument` for an address that makes no sense, `unimplemented` for a scheme that is none of these
 */
export function dialAddress(address: string, options: DialOptions = {}): Dial {
  const [, scheme, rest = ""] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/s.exec(address) ?? [];
  if (scheme === "unix") {
    if (rest === "") throw new BuildError("invalid_argument", `invalid address "${address}": no path`);
    return ({ signal }) => opened(createConnection({ path: rest }), "connect", `unix ${rest}`, signal);
  }
  if (scheme === "ssh") return dialSsh(address, options.env);
  if (scheme !== "tcp") {
    throw scheme === undefined
      ? new BuildError("invalid_argument", `invalid address "${address}": want unix:///path or tcp://host:port`)
      : new BuildError("unimplemented", `cannot dial "${address}": only unix://, tcp:// and ssh:// lead to an engine`);
  }
  const { hostname, port } = parseHost(address, rest);
  const { tls } = options;
  if (!tls || Object.values(tls).every((value) => value === undefined)) {
    return ({ signal }) =>
      opened(createConnection({ host: hostname, port }), "connect", `tcp ${hostname}:${port}`, signal);
  }
  const name = tls.serverName ?? hostname;
  return async ({ signal }) => {
    const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
    const socket = connectTls({
      host: hostname,
      port,
      servername: isIP(name) === 0 ? name : "", // an address is never asked for by name, but certificates are checked for it
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      minVersion: "TLSv1.2",
      ALPNProtocols: ["h2"],
      ca: read(tls.ca),
      cert: read(tls.cert),
      key: read(tls.key),
    });
    return await opened(socket, "secureConnect", `tcp ${hostname}:${port}`, signal);
  };
}

function dialSsh(address: string, env: DialOptions["env"]): Dial {
  const target = parseSshTarget(address);
  const socket = target.socket === undefined ? [] : ["--addr", `unix://${target.socket}`];
  const args = sshArguments(target, ["buildctl", ...socket, "dial-stdio"]);
  return async ({ signal }) => {
    try {
      return await openCommandStream("ssh", args, { signal, env });
    } catch (cause) {
      signal.throwIfAborted();
      throw new BuildError("unavailable", `connection error: dial ${address}: ${messageOf(cause)}`, { cause });
    }
  };
}

function parseHost(address: string, rest: string): { hostname: string; port: number } {
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([^:/?#@]+))(?::(\d{1,5}))?\/?$/.exec(rest) ?? [];
  const hostname = bracketed ?? plain;
  const port = Number(portText ?? 1234);
  if (hostname === undefined || port < 1 || port > 65_535) {
    throw new BuildError("invalid_argument", `invalid address "${address}": want tcp://host:port`);
  }
  return { hostname, port };
}

/** The socket, once it is connected. */
async function opened(
  socket: Socket,
  event: "connect" | "secureConnect",
  target: string,
  signal: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  socket.once(event, () => resolve());
  socket.once("error", (cause: NodeJS.ErrnoException) => {
    reject(new BuildError("unavailable", `connection error: dial ${target}: ${reasonOf(cause)}`, { cause }));
  });
  try {
    await promise;
    socket.setNoDelay(true);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** What the system says, in the words of Go's net package, which people search for. */
function reasonOf(cause: NodeJS.ErrnoException): string {
  switch (cause.code) {
    case "ENOENT":
      return "connect: no such file or directory";
    case "ECONNREFUSED":
      return "connect: connection refused";
    case "EACCES":
      return "connect: permission denied";
    default:
      return cause.message;
  }
}
