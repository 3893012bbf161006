/**
 * Values handed from a producer that never waits to one consumer that does. Unbounded: meant for events; bytes need backpressure instead.
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #error: unknown;
  get length(): number {
    return this.#items.length;
  }
  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wake?.();
  }
  /** No more values; what is queued is still delivered. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }
  /** As {@link end}, and then the consumer's loop throws `error`. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#error = error;
    this.end();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        while (this.#items.length > 0) yield this.#items.shift() as T;
        if (this.#ended) {
          if (this.#error !== undefined) throw this.#error;
          return;
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
        this.#wake = undefined;
      }
    } finally {
      this.#ended = true;
    }
  }
}
