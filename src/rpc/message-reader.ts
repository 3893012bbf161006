import type { Http2Stream } from "node:http2";
import { Deframer } from "./framing.ts";
import type { IncomingBudget } from "./incoming-budget.ts";

/** Limits of a {@link MessageReader}. */
export interface MessageReaderOptions {
  /** Longest message. Default: what both ends of gRPC accept. */
  readonly limit?: number | undefined;
  /** Counts what this reader holds. */
  readonly budget?: IncomingBudget | undefined;
}

/** Bytes of whole messages that may wait for the consumer before the peer is held back. */
const highWaterBytes = 1024 * 1024;

/**
 * The messages that arrive on an HTTP/2 stream, for one consumer. The stream is paused while more than about 1 MiB of them waits, so flow control
 * reaches the sender. The owner of the stream says how it ended, through {@link end} or {@link fail}.
 */
export class MessageReader implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #stream: Http2Stream;
  readonly #deframer: Deframer;
  readonly #queue: Uint8Array[] = [];
  #head = 0;
  #queuedBytes = 0;
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  /** Called when what arrives breaks gRPC's rules. */
  readonly #onInvalid: (error: unknown) => void;
  #budget: IncomingBudget | undefined;
  /** What the budget was told last. */
  #countedBytes = 0;
  constructor(stream: Http2Stream, onInvalid: (error: unknown) => void, options: MessageReaderOptions = {}) {
    this.#stream = stream;
    this.#onInvalid = onInvalid;
    this.#deframer = new Deframer(options.limit);
    this.#budget = options.budget;
    stream.once("close", () => {
      this.#budget?.change(this.#countedBytes, 0); // what still waits is soon read, or dropped with the call
      this.#budget = undefined;
    });
    stream.on("data", (chunk: Uint8Array) => this.#onData(chunk));
  }
  /** Whether a message has arrived in part; then the end of the stream is a truncation. */
  get incomplete(): boolean {
    return this.#deframer.incomplete;
  }
  /** No more messages; those that have arrived are still delivered. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#deframer.clear();
    this.#count();
    if (this.#waiting) this.#deliverEnd();
  }
  /** As {@link end}, and then the consumer's loop throws `error`. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = { error };
    this.end();
  }
  next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#head < this.#queue.length) {
      const value = this.#queue[this.#head] as Uint8Array;
      this.#head++;
      this.#queuedBytes -= value.byteLength;
      this.#count();
      if (this.#head === this.#queue.length) {
        this.#queue.length = 0;
        this.#head = 0;
      }
      if (this.#queuedBytes < highWaterBytes / 2 && this.#stream.isPaused()) this.#stream.resume();
      return Promise.resolve({ done: false, value });
    }
    this.#waiting = Promise.withResolvers();
    const { promise } = this.#waiting;
    if (this.#ended) this.#deliverEnd();
    return promise;
  }
  /** The consumer leaves: what still arrives is dropped, so that the stream can close. */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.end();
    this.#failure = undefined;
    this.#queue.length = 0;
    this.#head = 0;
    this.#queuedBytes = 0;
    this.#count();
    this.#stream.resume();
    return Promise.resolve({ done: true, value: undefined });
  }
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }
  #onData(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#deframer.push(chunk);
    try {
      for (let message = this.#deframer.next(); message; message = this.#deframer.next()) this.#onMessage(message);
      this.#count();
    } catch (error) {
      this.fail(error);
      this.#onInvalid(error);
    }
    if (this.#queuedBytes > highWaterBytes) this.#stream.pause();
  }
  #count(): void {
    const held = this.#queuedBytes + this.#deframer.bufferedBytes;
    this.#budget?.change(this.#countedBytes, held);
    this.#countedBytes = held;
  }
  #onMessage(message: Uint8Array): void {
    const waiting = this.#waiting;
    if (waiting) {
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: message });
    } else {
      this.#queue.push(message);
      this.#queuedBytes += message.byteLength;
    }
  }
  #deliverEnd(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    const failure = this.#failure;
    this.#failure = undefined; // told once, as by a generator
    if (failure) waiting?.reject(failure.error);
    else waiting?.resolve({ done: true, value: undefined });
  }
}
