/** Messages from many senders to one stream. Each sender waits until the stream has taken its message, so nothing piles up. */
export class Outbox<T> {
  #items: { readonly message: T; readonly taken: () => void }[] = [];
  #wake: (() => void) | undefined;
  #closed = false;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  /** Resolves when the message has been taken, or nobody takes any more. */
  async send(message: T): Promise<void> {
    if (this.#closed || this.#ended) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#items.push({ message, taken: resolve });
    this.#wake?.();
    await promise;
  }

  /** No more messages; what waits is still delivered. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** As {@link end}, and then the stream fails with `error`. Only the first time counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.end();
  }

  /** For the stream. Whoever leaves it lets all senders go. */
  async *messages(): AsyncGenerator<T> {
    try {
      for (;;) {
        const item = this.#items[0];
        if (item) {
          yield item.message;
          this.#items.shift();
          item.taken();
        } else if (this.#failure) {
          throw this.#failure.error;
        } else if (this.#ended) {
          return;
        } else {
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#wake = resolve;
          await promise;
        }
      }
    } finally {
      this.#closed = true;
      for (const { taken } of this.#items.splice(0)) taken();
    }
  }
}
