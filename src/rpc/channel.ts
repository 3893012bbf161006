import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import type { Duplex } from "node:stream";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import type { CallOptions } from "./call.ts";
import { ClientCall } from "./client-call.ts";
import { sessionOptions, widenWindow } from "./transport.ts";

/** How a {@link Channel} reaches its server. */
export interface ChannelOptions {
  /** Opens a byte stream on which the server speaks HTTP/2: a socket, a process's stdio, a tunnel. Owned by the channel from then on. */
  readonly open: (options: { readonly signal: AbortSignal }) => Promise<Duplex>;
  /** `:authority` of the calls. Default `localhost`. */
  readonly authority?: string | undefined;
  /** Whether to open a new stream for the next call when the last one has closed. Default true; tunnels exist once. */
  readonly redial?: boolean | undefined;
}

/** A connection to one server, opened when the first call needs it. Calls share it. */
export interface Channel extends AsyncDisposable {
  /** Starts a call in bytes. @throws what opening the connection throws, as `unavailable` */
  start(path: string, options?: CallOptions): Promise<ClientCall>;
  /** Opens the connection now rather than with the first call. */
  ready(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Aborts when the channel is closed, or (without redialling) when its connection breaks. */
  readonly closed: AbortSignal;
  /** Closes the connection; calls under way fail with `unavailable`. */
  close(): Promise<void>;
}

/** Makes a channel. Nothing is opened before the first call. */
export function connect(options: ChannelOptions): Channel {
  return new Http2Channel(options);
}

class Http2Channel implements Channel {
  readonly #options: ChannelOptions;
  readonly #controller = new AbortController();
  #session: Promise<ClientHttp2Session> | undefined;
  constructor(options: ChannelOptions) {
    this.#options = options;
  }
  get closed(): AbortSignal {
    return this.#controller.signal;
  }
  async start(path: string, options: CallOptions = {}): Promise<ClientCall> {
    const session = await this.#open(options.signal);
    return new ClientCall(session, path, options);
  }
  async ready(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    await this.#open(options.signal);
  }
  async close(): Promise<void> {
    this.#controller.abort(new BuildError("unavailable", "grpc: the client connection is closing"));
    const session = await this.#session?.catch(() => undefined);
    if (!session || session.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    session.once("close", resolve);
    session.destroy();
    await promise;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
  /** The open session; callers that come while it is being opened share it. */
  async #open(signal: AbortSignal | undefined): Promise<ClientHttp2Session> {
    signal?.throwIfAborted();
    this.#controller.signal.throwIfAborted();
    this.#session ??= this.#dial();
    const opening = this.#session;
    const left = Promise.withResolvers<never>();
    const onAbort = () => left.reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const session = await Promise.race([opening, left.promise]);
      if (!session.closed && !session.destroyed) return session;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    if (this.#session === opening) this.#session = undefined; // it said goodbye between two calls
    if (this.#options.redial === false) throw new BuildError("unavailable", "grpc: the client connection is closing");
    return await this.#open(signal);
  }
  async #dial(): Promise<ClientHttp2Session> {
    const { open, authority = "localhost", redial = true } = this.#options;
    let duplex: Duplex;
    try {
      duplex = await open({ signal: this.#controller.signal });
    } catch (cause) {
      this.#session = undefined;
      if (cause instanceof BuildError) throw cause;
      throw new BuildError("unavailable", `connection error: ${messageOf(cause)}`, { cause });
    }
    const session = connectHttp2(`http://${authority}`, { ...sessionOptions, createConnection: () => duplex });
    session.on("error", () => undefined); // the calls tell
    session.once("close", () => {
      duplex.destroy();
      this.#session = undefined;
      if (!redial) this.#controller.abort(new BuildError("unavailable", "error reading from server: EOF"));
    });
    session.once("connect", () => widenWindow(session));
    return session;
  }
}
