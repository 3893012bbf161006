/**
 * What happened, in order, kept from the start so that whoever asks late misses nothing. Any number of readers, each at its own pace;
 * readers end when the log is closed and they have seen everything.
 */
export class EventLog<T> {
  readonly #events: T[] = [];
  #more = Promise.withResolvers<void>();
  #closed = false;

  push(event: T): void {
    if (this.#closed) return;
    this.#events.push(event);
    this.#wake();
  }

  /** Nothing more will happen. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *read(): AsyncGenerator<T> {
    for (let at = 0; ; ) {
      while (at < this.#events.length) yield this.#events[at++] as T;
      if (this.#closed) return;
      await this.#more.promise;
    }
  }

  #wake(): void {
    this.#more.resolve();
    this.#more = Promise.withResolvers<void>();
  }
}
