import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Peer } from "./call.ts";
import { IncomingBudget } from "./incoming-budget.ts";
import { type CallObserver, serveCall } from "./server-call.ts";
import type { Route } from "./service.ts";
import { sessionOptions, widenWindow } from "./transport.ts";

/** What {@link createRpcServer} wants to know. */
export interface RpcServerOptions {
  /** What is served. Where two routes have one path, the earlier one serves it. */
  readonly services: readonly (readonly Route[] | Route)[];
  /** Asks the kernel who is at the other end of a unix socket, given its file descriptor. */
  readonly peerCredentials?: ((fd: number) => Peer) | undefined;
  /** Hear of every call. */
  readonly observers?: readonly CallObserver[] | undefined;
}

/** Serves gRPC over any number of connections. */
export interface RpcServer extends AsyncDisposable {
  /** `/package.Service/Method` of everything served. */
  readonly methods: readonly string[];
  /** Calls under way. */
  readonly activeCalls: number;
  /** Open connections. */
  readonly connections: number;
  /** Serves every connection that `listener` accepts from now on: net (unix, TCP) or TLS. Listening and closing it stay with the caller. */
  serve(listener: Server): void;
  /**
   * Serves one connection over any duplex: a socket, stdio, a tunnel in another call.
   * @returns a promise that resolves when the connection has closed, for whatever reason
   */
  attach(duplex: Duplex, options?: { readonly peer?: Peer | undefined }): Promise<void>;
  /** Lets calls under way finish for up to `graceMs` (default 5000), refuses new ones, then closes all connections. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Makes a server; it serves nothing until {@link RpcServer.serve} or {@link RpcServer.attach}. */
export function createRpcServer(options: RpcServerOptions): RpcServer {
  return new Http2RpcServer(options);
}

class Http2RpcServer implements RpcServer {
  readonly #routes = new Map<string, Route>();
  readonly #options: RpcServerOptions;
  readonly #sessions = new Map<ServerHttp2Session, Promise<void>>();
  readonly #budget = new IncomingBudget();
  #activeCalls = 0;
  #closing = false;
  constructor(options: RpcServerOptions) {
    this.#options = options;
    for (const entry of options.services) {
      for (const route of "path" in entry ? [entry] : entry) {
        if (!this.#routes.has(route.path)) this.#routes.set(route.path, route);
      }
    }
  }
  get methods(): readonly string[] {
    return [...this.#routes.keys()];
  }
  get activeCalls(): number {
    return this.#activeCalls;
  }
  get connections(): number {
    return this.#sessions.size;
  }
  serve(listener: Server): void {
    const event = "setSecureContext" in listener ? "secureConnection" : "connection";
    listener.on(event, (socket: Socket) => {
      socket.setNoDelay(true);
      void this.attach(socket, { peer: this.#peerOf(socket) });
    });
  }
  attach(duplex: Duplex, options: { readonly peer?: Peer | undefined } = {}): Promise<void> {
    duplex.on("error", () => undefined); // the session closes with its socket, and that is what counts
    if (this.#closing) {
      duplex.destroy();
      return Promise.resolve();
    }
    const session = performServerHandshake(duplex, sessionOptions);
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.#sessions.set(session, closed);
    session.on("error", () => undefined);
    session.once("close", () => {
      this.#sessions.delete(session);
      duplex.destroy();
      resolve();
    });
    let openStreams = 0;
    session.on("stream", (stream: ServerHttp2Stream, _headers: unknown, _flags: number, rawHeaders: string[]) => {
      openStreams++;
      stream.once("close", () => {
        openStreams--;
        // Node forgets to end a session that is closing when its last stream was reset while it was writing.
        if (session.closed && openStreams === 0) setImmediate(() => session.destroy());
      });
      void this.#serveStream(stream, rawHeaders, options.peer);
    });
    widenWindow(session);
    return closed;
  }
  async close(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing = true;
    for (const session of this.#sessions.keys()) session.close();
    const timer = setTimeout(() => {
      for (const session of this.#sessions.keys()) session.destroy();
    }, options.graceMs ?? 5000);
    await Promise.all(this.#sessions.values());
    clearTimeout(timer);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
  async #serveStream(stream: ServerHttp2Stream, rawHeaders: readonly string[], peer: Peer | undefined): Promise<void> {
    this.#activeCalls++;
    try {
      const { observers = [] } = this.#options;
      await serveCall(stream, rawHeaders, { routes: this.#routes, peer, budget: this.#budget, observers });
    } finally {
      this.#activeCalls--;
    }
  }
  #peerOf(socket: Socket): Peer | undefined {
    const { peerCredentials } = this.#options;
    // Node tells a socket's descriptor only through its handle.
    const fd = (socket as Socket & { _handle?: { fd?: number } | null })._handle?.fd;
    if (!peerCredentials || fd === undefined || fd < 0 || socket.remoteAddress !== undefined) return undefined;
    try {
      return peerCredentials(fd);
    } catch {
      return undefined; // a peer that nobody can name is treated as one from elsewhere
    }
  }
}
