import type { Duplex } from "node:stream";
import { BuildError } from "../../base/errors/mod.ts";
import { connect, type HandlerContext, type Metadata, type Peer, pathOf, type Route } from "../../rpc/mod.ts";
import { control } from "../../api/mod.ts";
import { decodeHandshake } from "../handshake.ts";
import { tunnel } from "../tunnel.ts";
import { checkHealth, defaultHealthCheck, type HealthCheckOptions } from "./health-check.ts";
import { createCaller, type SessionCaller } from "./session-caller.ts";

/** How long a look-up waits for a session that has not shown up yet: clients open it while they ask for the build. */
const defaultWaitMs = 5000;

/**
 * The sessions of an engine's clients, by id. A session is registered as soon as its stream opens and leaves when its stream, its connection or its
 * health ends. A newer session of the same id takes the place of the older one.
 */
export class SessionManager implements AsyncDisposable {
  readonly #health: HealthCheckOptions;
  readonly #sessions = new Map<
    string,
    { readonly caller: SessionCaller; readonly end: (reason: BuildError) => void }
  >();
  readonly #waiting = new Map<string, Set<(caller: SessionCaller) => void>>();
  constructor(options: { readonly health?: Partial<HealthCheckOptions> } = {}) {
    this.#health = { ...defaultHealthCheck, ...options.health };
  }
  /** Number of open sessions. */
  get size(): number {
    return this.#sessions.size;
  }
  /** Whether that session is open now. */
  has(id: string): boolean {
    return this.#sessions.has(keyOf(id));
  }
  /** What serves `Control.Session`: give it to `createRpcServer` before the rest of the Control service. */
  route(): Route {
    return {
      path: pathOf(control.Control.method.session),
      run: async (stream, context: HandlerContext) => {
        stream.sendHeaders();
        const duplex = tunnel(stream);
        context.signal.addEventListener("abort", () => duplex.destroy(), { once: true });
        await this.attach(duplex, context.requestHeaders, { peer: context.peer });
      },
    };
  }
  /**
   * Serves one session over a duplex on whose other end the client serves HTTP/2.
   * @param headers what the client introduced itself with
   * @returns a promise that resolves when the session is over
   */
  async attach(duplex: Duplex, headers: Metadata, options: { readonly peer?: Peer | undefined } = {}): Promise<void> {
    const handshake = decodeHandshake(headers);
    const over = new AbortController();
    const channel = connect({ open: async () => duplex, redial: false });
    const caller = createCaller(handshake, { channel, peer: options.peer, closed: over.signal });
    const entry = { caller, end: (reason: BuildError) => over.abort(reason) };
    channel.closed.addEventListener("abort", () => entry.end(gone(handshake.id)), { once: true });
    this.#sessions.get(handshake.id)?.end(new BuildError("canceled", `session ${handshake.id} was opened again`));
    this.#sessions.set(handshake.id, entry);
    for (const found of this.#waiting.get(handshake.id) ?? []) found(caller);
    const { healthTimeoutMs: custom } = handshake;
    const health = custom ? { intervalMs: custom, timeoutMs: custom, fatalAfter: 1 } : this.#health;
    try {
      await channel.ready();
      await Promise.race([checkHealth(channel, health, over.signal), aborted(over.signal)]);
    } catch (error) {
      entry.end(error instanceof BuildError ? error : gone(handshake.id));
    } finally {
      if (this.#sessions.get(handshake.id) === entry) this.#sessions.delete(handshake.id);
      await channel.close();
      duplex.destroy();
    }
  }
  /**
   * The session of that id; waits for it if it is not there yet.
   * @param id a prefix up to `:` is left out
   * @throws {BuildError} `not_found`: `no active session for <id>: context deadline exceeded`, or the signal's reason
   */
  async get(
    id: string,
    options: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined } = {},
  ): Promise<SessionCaller> {
    const { signal, timeoutMs = defaultWaitMs } = options;
    signal?.throwIfAborted();
    const key = keyOf(id);
    const present = this.#sessions.get(key)?.caller;
    if (present) return present;
    const { promise, resolve, reject } = Promise.withResolvers<SessionCaller>();
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting.add(resolve));
    const onAbort = () => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(() => {
      reject(new BuildError("not_found", `no active session for ${key}: context deadline exceeded`));
    }, timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(key);
    }
  }
  /** Ends all sessions. */
  close(): void {
    for (const { end } of this.#sessions.values()) end(new BuildError("unavailable", "the engine is stopping"));
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await Promise.resolve();
  }
}

/** A prefix up to `:` says where a session comes from, and does not matter. */
function keyOf(id: string): string {
  return id.replace(/^[^:]*:(?=.)/s, "");
}

function gone(id: string): BuildError {
  return new BuildError("canceled", `no active session for ${id}: the client has closed it`);
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
