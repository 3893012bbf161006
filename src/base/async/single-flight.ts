/**
 * Work that is in flight is shared: whoever asks for the same key while it runs joins it. The work's own signal aborts only when the last
 * one who wants it has left; each caller's promise rejects with that caller's own reason.
 */
export class SingleFlight<K, V> {
  readonly #flights = new Map<K, { promise: Promise<V>; users: number; controller: AbortController }>();
  /** Whether work for `key` is under way. */
  has(key: K): boolean {
    return this.#flights.has(key);
  }
  async run(key: K, work: (signal: AbortSignal) => Promise<V>, options: { signal?: AbortSignal } = {}): Promise<V> {
    const { signal } = options;
    signal?.throwIfAborted();
    let flight = this.#flights.get(key);
    if (!flight || flight.controller.signal.aborted) {
      const controller = new AbortController();
      const fresh = {
        users: 0,
        controller,
        promise: work(controller.signal).finally(() => {
          if (this.#flights.get(key) === fresh) this.#flights.delete(key);
        }),
      };
      fresh.promise.catch(() => undefined); // every user sees the failure through its own promise
      this.#flights.set(key, fresh);
      flight = fresh;
    }
    const mine = flight;
    mine.users++;
    const left = Promise.withResolvers<never>();
    const onAbort = () => left.reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([mine.promise, left.promise]);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      if (--mine.users === 0 && signal?.aborted) mine.controller.abort(signal.reason);
    }
  }
}
