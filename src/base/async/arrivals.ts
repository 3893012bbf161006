/** Values by key that may be asked for before they are there: two requests that belong together can arrive in either order. */
export class Arrivals<K, V> {
  readonly #present = new Map<K, V>();
  readonly #waiting = new Map<K, Set<(value: V) => void>>();

  has(key: K): boolean {
    return this.#present.has(key);
  }
  get(key: K): V | undefined {
    return this.#present.get(key);
  }
  /** Makes `value` known, and wakes whoever waits for it. */
  set(key: K, value: V): void {
    this.#present.set(key, value);
    for (const found of this.#waiting.get(key) ?? []) found(value);
  }
  delete(key: K): void {
    this.#present.delete(key);
  }
  /**
   * The value of `key`, now or when it arrives.
   * @returns `undefined` when it has not arrived after `timeoutMs`
   * @throws the signal's reason when it aborts first
   */
  async wait(key: K, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<V | undefined> {
    const { timeoutMs, signal } = options;
    signal.throwIfAborted();
    const present = this.#present.get(key);
    if (present !== undefined) return present;
    const { promise, resolve, reject } = Promise.withResolvers<V | undefined>();
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting.add(resolve));
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(key);
    }
  }
}
