import { chmodSync, chownSync, lstatSync, readlinkSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { createConnection, createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { makeDirectory } from "../base/files/mod.ts";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import { log } from "../base/log/mod.ts";
import type { EngineConfig, ListenAddress } from "../engine/config/mod.ts";
import { passedSockets } from "./passed-sockets.ts";

/** An address that is being listened on, until it is disposed of. */
export interface Listening extends AsyncDisposable {
  /** As it was configured, or for a port that was free, with that port. */
  readonly address: string;
}

/** What {@link listen} needs besides an address. */
export interface ListenSettings extends Pick<EngineConfig, "tls" | "socketOwner"> {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Serves the connections that a server (plain or TLS) accepts. */
  readonly serve: (server: Server) => void;
  /** Sees every connection at its begin, before TLS. */
  readonly onConnection?: (socket: Socket) => void;
}

/** Silence on a connection is questioned after this time, so that peers that have vanished do not stay. */
const keepAliveMs = 15_000;
const handshakeTimeoutMs = 10_000;

/** Opens one listening address and serves on it. TLS is for TCP: unix sockets have owners. */
export async function listen(address: ListenAddress, settings: ListenSettings): Promise<Listening> {
  const server = createServer({ keepAlive: true, keepAliveInitialDelay: keepAliveMs });
  if (settings.onConnection) server.on("connection", settings.onConnection);
  await open(server, address, settings);
  const bound = server.address();
  const overTcp = typeof bound === "object" && bound !== null;
  if (overTcp && settings.tls) acceptTls(server, settings.tls, settings.serve);
  else settings.serve(server);
  const port = address.type === "tcp" && address.port === 0 && overTcp ? bound.port : undefined;
  return {
    address: port === undefined ? address.text : address.text.replace(/0$/, String(port)),
    [Symbol.asyncDispose]: async () => {
      server.close();
      if (address.type === "unix") await unlink(address.path).catch(() => undefined);
    },
  };
}

async function open(server: Server, address: ListenAddress, settings: ListenSettings): Promise<void> {
  switch (address.type) {
    case "unix":
      await makeDirectory(dirname(address.path), { mode: 0o755 });
      await removeDeadSocket(address.path);
      await bind(server, { path: address.path }, address.text);
      chownSync(address.path, settings.socketOwner.uid ?? -1, settings.socketOwner.gid ?? -1);
      chmodSync(address.path, 0o660);
      return;
    case "tcp":
      await bind(server, { port: address.port, ...(address.host ? { host: address.host } : {}) }, address.text);
      return;
    case "fd":
      await bind(server, { fd: passedSocket(address, settings.env) }, address.text);
      return;
  }
}

async function bind(server: Server, options: ListenOptions | { fd: number }, text: string): Promise<void> {
  await new Promise<void>((done, failed) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      failed(new BuildError("unavailable", `cannot listen on ${text}: ${reasonOf(cause)}`, { cause }));
    });
    server.listen(options, done);
  });
}

function reasonOf(cause: NodeJS.ErrnoException): string {
  switch (cause.code) {
    case "EADDRINUSE":
      return "bind: address already in use";
    case "EADDRNOTAVAIL":
      return "bind: cannot assign requested address";
    case "EACCES":
      return "bind: permission denied";
    default:
      return messageOf(cause);
  }
}

function acceptTls(server: Server, tls: NonNullable<EngineConfig["tls"]>, serve: (server: Server) => void): void {
  const terminator = createTlsServer({
    cert: tls.cert,
    key: tls.key,
    ...(tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true, rejectUnauthorized: true }),
    minVersion: "TLSv1.2",
    ALPNProtocols: ["h2"],
    handshakeTimeout: handshakeTimeoutMs,
  });
  terminator.on("tlsClientError", (error: Error & { readonly reason?: string }, socket) => {
    const peer = socket.remoteAddress ?? "a client that has left";
    // Node tells of a certificate that it refuses only as of a connection that has ended.
    const refused = socket.authorizationError as string | Error | null | undefined; // a code, whatever the types say
    const why = refused ? `client certificate refused: ${messageOf(refused)}` : (error.reason ?? messageOf(error));
    log.info(`TLS handshake error from ${peer}: ${why}`);
  });
  serve(terminator);
  server.on("connection", (socket) => terminator.emit("connection", socket));
}

/** A socket file that an engine left behind when it died. One that somebody answers on is not ours to take. */
async function removeDeadSocket(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (!there) return;
  if (!there.isSocket()) throw new BuildError("failed_precondition", `${path} is there already, and is no socket`);
  const alive = await new Promise<boolean>((resolve) => {
    const socket = createConnection({ path });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    setTimeout(() => socket.destroy(), 1000).unref();
    socket.once("connect", () => socket.destroy());
  });
  if (alive) throw new BuildError("unavailable", `cannot listen on unix://${path}: another engine answers there`);
  await unlink(path).catch(() => undefined);
}

function passedSocket(
  address: Extract<ListenAddress, { type: "fd" }>,
  env: Readonly<Record<string, string | undefined>>,
): number {
  const sockets = passedSockets(env, process.pid);
  if (sockets.length === 0) {
    throw new BuildError(
      "failed_precondition",
      "no sockets found via socket activation: make sure the service was started by systemd",
    );
  }
  const found = sockets.find(
    ({ fd, name }) => address.name === "" || address.name === name || address.name === String(fd),
  );
  if (!found) {
    const names = sockets.map(({ fd, name }) => name ?? String(fd)).join(", ");
    throw new BuildError("invalid_argument", `addr ${address.text}: no such socket was passed, only ${names}`);
  }
  const target = readlinkSync(`/proc/self/fd/${found.fd}`);
  if (!target.startsWith("socket:")) {
    throw new BuildError("invalid_argument", `addr ${address.text}: descriptor ${found.fd} is no socket but ${target}`);
  }
  return found.fd;
}
