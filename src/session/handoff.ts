/**
 * Passes values from a producer to one consumer, one at a time: {@link send} resolves when the consumer has taken the value or has left.
 */
export class Handoff<T> implements AsyncIterable<T> {
  #offered: { readonly value: T; readonly taken: () => void } | undefined;
  #turn = Promise.resolve();
  #wake: (() => void) | undefined;
  #ended = false;
  /** Values sent at the same time queue up in order. */
  send(value: T): Promise<void> {
    this.#turn = this.#turn.then(() => {
      if (this.#ended) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#offered = { value, taken: resolve };
      this.#wake?.();
      return promise;
    });
    return this.#turn;
  }
  /** No more values; what has been sent before is still delivered. */
  end(): void {
    void this.#turn.then(() => this.#stop());
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        const offered = this.#offered;
        if (offered) {
          this.#offered = undefined;
          yield offered.value;
          offered.taken();
        } else if (this.#ended) {
          return;
        } else {
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#wake = resolve;
          await promise;
        }
      }
    } finally {
      this.#stop();
    }
  }
  #stop(): void {
    this.#ended = true;
    this.#offered?.taken();
    this.#offered = undefined;
    this.#wake?.();
  }
}
