import type { Duplex } from "node:stream";
import { control } from "../../api/mod.ts";
import { type Channel, createRpcServer, type Metadata, pathOf } from "../../rpc/mod.ts";
import { encodeHandshake, newSessionId } from "../handshake.ts";
import { tunnel } from "../tunnel.ts";
import type { Attachable } from "./attachable.ts";
import { healthService } from "./health.ts";

/** What {@link openSession} wants to know. */
export interface SessionOptions {
  /** What the engine may ask of this client. */
  readonly attachables: readonly Attachable[];
  /** Names what the shared directories hold, for instance `<directory>:<node>`: the same key lets the engine ask only for what has changed. */
  readonly sharedKey?: string | undefined;
  /** Default: a random one. */
  readonly id?: string | undefined;
  /** Ends the session at once. */
  readonly signal?: AbortSignal | undefined;
}

/** A session that is open. */
export interface Session extends AsyncDisposable {
  /** What the build request names. */
  readonly id: string;
  /** Resolves when the session is over, rejects when it broke. */
  readonly closed: Promise<void>;
  /** Closes it in order: the connection inside, this side of the stream, then waits a moment for the engine to end its side. */
  close(): Promise<void>;
}

/**
 * Opens a byte stream on which the engine is the HTTP/2 client of a session: for engines that take sessions beside the Control API, as the Docker
 * Engine does at `/session`. `headers` introduce the session.
 */
export type DialSession = (options: {
  readonly headers: Metadata;
  readonly signal?: AbortSignal | undefined;
}) => Promise<Duplex>;

/** How long {@link Session.close} waits for calls under way, and then for the engine. */
const closeGraceMs = 2000;

/**
 * Opens a session: a stream to the engine in which the roles are reversed, this client serving. Resolves when the stream has been asked for; the
 * engine waits for a session that a build names, so nothing has to wait for the engine.
 */
export async function openSession(through: Channel | DialSession, options: SessionOptions): Promise<Session> {
  const id = options.id ?? newSessionId();
  const server = createRpcServer({ services: [...options.attachables, healthService()].map(({ routes }) => routes) });
  const headers = encodeHandshake({ id, sharedKey: options.sharedKey ?? "", methods: server.methods });
  const { duplex, end, cancel } = await openTunnel(through, { headers, signal: options.signal });
  let failure: Error | undefined;
  let closing = false;
  duplex.once("error", (error) => {
    failure = error;
  });
  const closed = server.attach(duplex).then(() => {
    if (failure && !closing) throw failure;
  });
  closed.catch(() => undefined); // whoever cares awaits it
  const close = async (): Promise<void> => {
    closing = true;
    const timer = setTimeout(() => cancel(new Error("the engine did not end the session")), 2 * closeGraceMs);
    await server.close({ graceMs: closeGraceMs });
    end();
    await closed.catch(() => undefined);
    clearTimeout(timer);
  };
  return { id, closed, close, [Symbol.asyncDispose]: close };
}

/** The bytes of a session, and the ways to end them: in order, or at once. */
interface Tunnel {
  readonly duplex: Duplex;
  readonly end: () => void;
  readonly cancel: (reason: Error) => void;
}

async function openTunnel(
  through: Channel | DialSession,
  options: { readonly headers: Metadata; readonly signal: AbortSignal | undefined },
): Promise<Tunnel> {
  if (typeof through === "function") {
    const duplex = await through(options);
    options.signal?.addEventListener("abort", () => duplex.destroy(), { once: true });
    return { duplex, end: () => void duplex.end(), cancel: () => void duplex.destroy() };
  }
  const call = await through.start(pathOf(control.Control.method.session), options);
  return { duplex: tunnel(call), end: () => call.end(), cancel: (reason) => call.cancel(reason) };
}
