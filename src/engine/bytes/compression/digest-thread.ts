import { type MessagePort, Worker } from "node:worker_threads";
import { type Digest, Digester } from "../../../oci/mod.ts";
import { byteWorkerEntry } from "../entry.ts";
import { gzipChunkBytes } from "./gzip.ts";

/** A thread whose `workerData` is this serves a {@link DigestThread} instead of jobs. */
export const digestRole = "digest";

/** Pieces that wait to be hashed: enough that neither side stands still while the other one takes a breath. */
const backlogLimit = 4;

/** What the thread hears: the next piece, or that there are no more. It answers each piece with `undefined`, and the end with the digest. */
type Message = Uint8Array | "end";
type Answer = Digest | undefined;

/**
 * The digest of a long stream, computed on a thread of its own beside the thread that makes the stream. Dispose of it to end the thread, whether or
 * not all was hashed. Memory that is shared between threads is hashed where it is; other pieces are copied first.
 * Holds `backlogLimit` copies of {@link gzipChunkBytes}.
 */
export class DigestThread implements AsyncDisposable {
  readonly #worker: Worker;
  /** One for each message that has no answer yet, oldest first. */
  readonly #waiting: PromiseWithResolvers<Answer>[] = [];
  readonly #copies: Uint8Array[] = [];
  #failure: Error | undefined;

  constructor() {
    this.#worker = new Worker(byteWorkerEntry(), {
      name: "digest",
      workerData: digestRole,
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker.on("message", (answer: Answer) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on("error", (error) => this.#fail(error as Error));
    this.#worker.on("exit", (code) => this.#fail(new Error(`Internal error: a digest thread ended with ${code}`)));
  }

  /** Waits until one more piece may be added. @throws when the thread has failed */
  async room(): Promise<void> {
    while (this.#waiting.length >= backlogLimit) await this.#waiting[0]?.promise;
    if (this.#failure) throw this.#failure;
  }

  /** Adds a piece; for each one wait for {@link room} before. @returns when its memory may be used again; never rejects */
  async add(piece: Uint8Array): Promise<void> {
    if (piece.buffer instanceof SharedArrayBuffer) {
      await this.#send(piece).catch(() => undefined);
      return;
    }
    for (let at = 0; at < piece.length; at += gzipChunkBytes) {
      const part = piece.subarray(at, at + gzipChunkBytes);
      const copy = this.#copies.pop() ?? new Uint8Array(new SharedArrayBuffer(gzipChunkBytes));
      copy.set(part);
      void this.#send(copy.subarray(0, part.length)).then(
        () => this.#copies.push(copy),
        () => undefined,
      );
    }
  }

  /** The digest of all that was added. @throws when the thread has failed */
  async digest(): Promise<Digest> {
    return (await this.#send("end")) as Digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  async #send(message: Message): Promise<Answer> {
    if (this.#failure) throw this.#failure;
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.push(waiting);
    this.#worker.postMessage(message);
    return await waiting.promise;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure);
  }
}

/** The thread's side. */
export function serveDigest(port: MessagePort): void {
  const digester = new Digester();
  port.on("message", (message: Message) => {
    if (message === "end") return port.postMessage(digester.digest() satisfies Answer);
    digester.update(message);
    port.postMessage(undefined satisfies Answer);
  });
}
