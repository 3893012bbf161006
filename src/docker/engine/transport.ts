import { createConnection, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { openCommandStream, sshArguments } from "../../base/stdio/mod.ts";
import type { EngineAddress } from "./address.ts";
import { unreachable } from "./failures.ts";

/** How long a connection may take. */
const connectTimeoutMs = 30_000;

/**
 * Opens a byte stream on which the Docker Engine speaks HTTP/1.1. Over ssh that is `docker system dial-stdio` on the other machine.
 * @throws {BuildError} with Docker's words when the engine cannot be reached
 */
export async function openEngineStream(
  address: EngineAddress,
  options: { readonly signal: AbortSignal; readonly env?: Readonly<Record<string, string | undefined>> | undefined },
): Promise<Duplex> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(connectTimeoutMs)]);
  try {
    return await open(address, { ...options, signal });
  } catch (cause) {
    options.signal.throwIfAborted();
    throw unreachable(cause, address.text);
  }
}

async function open(
  address: EngineAddress,
  { signal, env }: { signal: AbortSignal; env?: Readonly<Record<string, string | undefined>> | undefined },
): Promise<Duplex> {
  signal.throwIfAborted();
  switch (address.type) {
    case "unix":
      return await connected(createConnection({ path: address.path, allowHalfOpen: true }), "connect", signal);
    case "ssh": {
      const { socket } = address.target;
      const host = socket === undefined ? [] : [`--host=unix://${socket}`];
      const command = ["docker", ...host, "system", "dial-stdio"];
      return await openCommandStream("ssh", sshArguments(address.target, command), { signal, env });
    }
    case "tcp": {
      const { host, port, tls } = address;
      if (!tls) return await connected(createConnection({ host, port, allowHalfOpen: true }), "connect", signal);
      const { ca, cert, key, verify } = tls;
      const secure = connectTls({
        host,
        port,
        ...(/^[\d.:]+$/.test(host) ? {} : { servername: host }),
        minVersion: "TLSv1.2",
        rejectUnauthorized: verify,
        ...(ca ? { ca } : {}),
        ...(cert ? { cert } : {}),
        ...(key ? { key } : {}),
      });
      return await connected(secure, "secureConnect", signal);
    }
  }
}

async function connected(socket: Socket, event: "connect" | "secureConnect", signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  socket.once(event, resolve);
  socket.once("error", reject);
  try {
    await promise;
    socket.removeListener("error", reject);
    socket.setKeepAlive(true, 30_000);
    socket.setNoDelay(true);
    return socket;
  } catch (error) {
    socket.on("error", () => undefined).destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
