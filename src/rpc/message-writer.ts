import type { Http2Stream } from "node:http2";
import { prefixBytes, writePrefix } from "./framing.ts";

/** Bytes that may wait in Node before {@link MessageWriter.send} makes its caller wait. */
const highWaterBytes = 1024 * 1024;
/** Messages up to this size are copied behind their prefix; longer ones are handed over as they are. */
const copyBelowBytes = 16 * 1024;

/** Writes messages to an HTTP/2 stream and tells when the peer takes them more slowly than they come. */
export class MessageWriter {
  readonly #stream: Http2Stream;
  #pendingBytes = 0;
  #room: PromiseWithResolvers<void> | undefined;
  constructor(stream: Http2Stream) {
    this.#stream = stream;
    stream.once("close", () => this.#wake());
  }
  /** Whether what is sent can still reach the peer. */
  get open(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed && !this.#stream.writableEnded;
  }
  /**
   * Sends one message, whose bytes must not change afterwards. The promise resolves when there is room for the next one; one that is sent after
   * the stream has closed is dropped, because the reading side tells why.
   */
  send(message: Uint8Array): Promise<void> {
    if (!this.open) return Promise.resolve();
    const total = message.byteLength + prefixBytes;
    this.#pendingBytes += total;
    const onWritten = () => {
      this.#pendingBytes -= total;
      if (this.#pendingBytes <= highWaterBytes / 2) this.#wake();
    };
    if (message.byteLength <= copyBelowBytes) {
      const frame = Buffer.allocUnsafe(total);
      writePrefix(frame, message.byteLength);
      frame.set(message, prefixBytes);
      this.#stream.write(frame, onWritten);
    } else {
      const prefix = Buffer.allocUnsafe(prefixBytes);
      writePrefix(prefix, message.byteLength);
      this.#stream.cork();
      this.#stream.write(prefix);
      this.#stream.write(message, onWritten);
      this.#stream.uncork();
    }
    if (this.#pendingBytes <= highWaterBytes) return Promise.resolve();
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }
  /** Says that no more messages follow. */
  end(): void {
    if (this.open) this.#stream.end();
  }
  #wake(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
