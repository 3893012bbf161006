import { createConnection, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { BuildError, connectErrorText, messageOf } from "../base/errors/mod.ts";
import { openCommandStream, parseSshTarget, sshArguments } from "../base/stdio/mod.ts";
import { type TlsFiles, tlsOptions, tlsReason } from "./tls.ts";

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
  return async ({ signal }) => {
    const socket = connectTls({ host: hostname, port, ...tlsOptions(tls, hostname) });
    return await opened(socket, "secureConnect", `tcp ${hostname}:${port}`, signal, tls);
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
  tls: TlsFiles = {},
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  socket.once(event, () => resolve());
  socket.once("error", (cause: NodeJS.ErrnoException) => {
    const reason = tlsReason(cause, tls) ?? connectErrorText(cause);
    reject(new BuildError("unavailable", `connection error: dial ${target}: ${reason}`, { cause }));
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
