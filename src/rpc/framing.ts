import { BuildError } from "../base/errors/mod.ts";

/** Largest message that either end accepts. */
export const maxMessageBytes = 16 * 1024 * 1024;
/** Every message is preceded by one byte of flags and four of length. */
export const prefixBytes = 5;

/** Writes the prefix of a message of `length` bytes to the start of `target`. */
export function writePrefix(target: Uint8Array, length: number): void {
  target[0] = 0;
  target[1] = length >>> 24;
  target[2] = length >>> 16;
  target[3] = length >>> 8;
  target[4] = length;
}

/**
 * Cuts a stream of bytes into gRPC messages. Holds at most one incomplete message; bytes that arrived in one piece are not copied.
 */
export class Deframer {
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** Length of the message whose prefix has been read. */
  #length: number | undefined;
  constructor(limit: number = maxMessageBytes) {
    this.#limit = limit;
  }
  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.byteLength;
  }
  /** Bytes that wait for the rest of their message. */
  get bufferedBytes(): number {
    return this.#buffered;
  }
  /** Forgets what has arrived. */
  clear(): void {
    this.#chunks.length = 0;
    this.#buffered = 0;
    this.#length = undefined;
  }
  /** Whether a message has begun and not ended. */
  get incomplete(): boolean {
    return this.#buffered > 0 || this.#length !== undefined;
  }
  /**
   * The next whole message, or `undefined` until more bytes arrive.
   * @throws {BuildError} `resource_exhausted` when it is longer than allowed, `unimplemented` when it is compressed
   */
  next(): Uint8Array | undefined {
    if (this.#length === undefined) {
      if (this.#buffered < prefixBytes) return undefined;
      const prefix = this.#take(prefixBytes);
      if (prefix[0] !== 0) {
        throw new BuildError("unimplemented", "grpc: compressed messages are not supported (compressed flag set)");
      }
      const length = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes).getUint32(1);
      if (length > this.#limit) {
        throw new BuildError(
          "resource_exhausted",
          `grpc: received message larger than max (${length} vs. ${this.#limit})`,
        );
      }
      this.#length = length;
    }
    if (this.#buffered < this.#length) return undefined;
    const message = this.#take(this.#length);
    this.#length = undefined;
    return message;
  }
  /** Removes the first `count` buffered bytes; there must be as many. */
  #take(count: number): Uint8Array {
    this.#buffered -= count;
    const first = this.#chunks[0];
    if (first && first.byteLength >= count) {
      if (first.byteLength === count) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    const joined = Buffer.allocUnsafeSlow(count); // filled below; zeroing it first shows in profiles
    let at = 0;
    let used = 0;
    for (const chunk of this.#chunks) {
      if (at === count) break;
      const part = chunk.subarray(0, count - at);
      joined.set(part, at);
      at += part.byteLength;
      if (part.byteLength < chunk.byteLength) this.#chunks[used] = chunk.subarray(part.byteLength);
      else used++;
    }
    this.#chunks.splice(0, used);
    return joined;
  }
}
