/** How much may lie between a client that sends and a process that does not read. */
const limitBytes = 1 << 20;

/** What a client sends for a process to read. One reader; whoever writes much more than is read has to wait. */
export class StandardInput implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  /** Resolves when there is room for more. After the end it is thrown away. */
  async write(data: Uint8Array): Promise<void> {
    if (this.#ended || data.byteLength === 0) return;
    this.#chunks.push(data);
    this.#bytes += data.byteLength;
    this.#change();
    while (this.#bytes > limitBytes && !this.#ended) await this.#changed.promise;
  }

  /** No more: the reader gets what there is, and then the end. */
  end(): void {
    this.#ended = true;
    this.#change();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk) {
          this.#bytes -= chunk.byteLength;
          this.#change();
          yield chunk;
        } else if (this.#ended) {
          return;
        } else {
          await this.#changed.promise;
        }
      }
    } finally {
      this.end();
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
