import type { Semaphore } from "../../../base/async/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";

/** A piece of an object, from 1 on. */
export interface Part {
  readonly number: number;
  readonly offsetBytes: number;
  readonly bytes: Uint8Array;
}

/** How an object is sent in pieces. */
export interface PartsOptions {
  /** Of the whole object. */
  readonly sizeBytes: number;
  /** Of each part but the last. */
  readonly partBytes: number;
  /** Bounds how many parts are in memory at once; shared by the objects that are sent at the same time. */
  readonly slots: Semaphore;
  readonly signal: AbortSignal;
}

/**
 * Sends an object in parts, several at once. Each part is whole in memory, so that it can be sent again; there are never more than there are slots.
 * @returns what `send` returned, in order
 * @throws {BuildError} `data_loss` when the bytes are not as many as was said; the first failure of `send`
 */
export async function uploadParts<T>(
  bytes: AsyncIterable<Uint8Array>,
  options: PartsOptions,
  send: (part: Part, options: { readonly signal: AbortSignal }) => Promise<T>,
): Promise<readonly T[]> {
  const { sizeBytes, slots } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const sent: Promise<T>[] = [];
  const sendOne = async (part: Part, slot: Disposable): Promise<T> => {
    using _slot = slot;
    try {
      return await send(part, { signal });
    } catch (error) {
      failed.abort(error); // before the slot is free: nobody takes it any more
      throw error;
    }
  };
  try {
    const reader = new PartReader(bytes, options);
    await using _closing = reader;
    for (let offsetBytes = 0; offsetBytes < sizeBytes; ) {
      const slot = await slots.acquire({ signal });
      let part: Part;
      try {
        part = { number: sent.length + 1, offsetBytes, bytes: await reader.next(signal) };
      } catch (error) {
        slot[Symbol.dispose]();
        throw error;
      }
      offsetBytes += part.bytes.byteLength;
      const sending = sendOne(part, slot);
      sending.catch(() => undefined); // told below
      sent.push(sending);
    }
    await reader.end();
    return await Promise.all(sent);
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(sent);
    options.signal.throwIfAborted();
    throw failed.signal.reason;
  }
}

/** Cuts bytes into parts. Its chunks may be lent: what it gives is a copy. */
class PartReader implements AsyncDisposable {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #options: PartsOptions;
  #rest: Uint8Array = new Uint8Array();
  #given = 0;
  constructor(bytes: AsyncIterable<Uint8Array>, options: PartsOptions) {
    this.#iterator = bytes[Symbol.asyncIterator]();
    this.#options = options;
  }
  /** The next part, which is there. */
  async next(signal: AbortSignal): Promise<Uint8Array> {
    const { sizeBytes, partBytes } = this.#options;
    const part = new Uint8Array(Math.min(partBytes, sizeBytes - this.#given));
    for (let filled = 0; filled < part.byteLength; ) {
      signal.throwIfAborted();
      if (this.#rest.byteLength === 0 && !(await this.#more())) throw this.#wrongSize(this.#given + filled);
      const take = this.#rest.subarray(0, part.byteLength - filled);
      part.set(take, filled);
      filled += take.byteLength;
      this.#rest = this.#rest.subarray(take.byteLength);
    }
    this.#given += part.byteLength;
    return part;
  }
  async end(): Promise<void> {
    if (this.#rest.byteLength > 0 || (await this.#more())) throw this.#wrongSize(this.#given + this.#rest.byteLength);
  }
  async #more(): Promise<boolean> {
    for (;;) {
      const next = await this.#iterator.next();
      if (next.done) return false;
      this.#rest = next.value;
      if (this.#rest.byteLength > 0) return true;
    }
  }
  #wrongSize(found: number): BuildError {
    return new BuildError(
      "data_loss",
      `unexpected size ${found} of a blob to upload, expected ${this.#options.sizeBytes}`,
    );
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#iterator.return?.();
  }
}
