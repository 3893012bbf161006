/** A bound on how many do something at once. Waiters are served in order of arrival. */
export class Semaphore {
  readonly limit: number;
  #free: number;
  readonly #waiting: (() => void)[] = [];
  constructor(limit: number) {
    this.limit = limit;
    this.#free = limit;
  }
  /**
   * Waits for a place. Dispose of what is returned to give it back.
   * @throws the signal's reason when it aborts first
   */
  async acquire(options: { signal?: AbortSignal } = {}): Promise<Disposable> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
    } else {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const onAbort = () => {
        const at = this.#waiting.indexOf(resolve);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(resolve);
      try {
        await promise;
      } finally {
        signal?.removeEventListener("abort", onAbort);
      }
    }
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        const next = this.#waiting.shift();
        if (next) next();
        else this.#free++;
      },
    };
  }
}
