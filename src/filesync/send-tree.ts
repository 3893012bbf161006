import { BuildError, messageOf } from "../base/errors/mod.ts";
import type { FileStat } from "./file-stat.ts";
import { decodePacket, encodePacket, type PacketStream } from "./packets.ts";
import { encodeStat } from "./wire-stat.ts";

/** A tree that can be sent: entries in the order of trees (see `comparePaths`), and the bytes of its files on demand. */
export interface TreeSource {
  readonly entries: Iterable<FileStat> | AsyncIterable<FileStat>;
  /**
   * The bytes of a regular file. A file that is not there any more is sent as empty, as fsutil does; its receiver sees that when it compares.
   */
  read(entry: FileStat, options: { readonly signal: AbortSignal }): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** What {@link sendTree} wants to know. */
export interface SendOptions {
  readonly signal: AbortSignal;
  /** Told the bytes of file contents that have been sent so far. */
  readonly onProgress?: ((sentBytes: number) => void) | undefined;
}

/** Files whose contents are under way at once. */
const parallelFiles = 4;
/** Bytes per packet of contents. Receivers take any message below 4 MiB; large ones cost less. */
const maxDataBytes = 256 * 1024;
/** Entries between two looks at the event loop, so that requests are served while a long walk goes on. */
const entriesPerTurn = 512;

/**
 * Sends a tree over `stream`: all entries, and the contents of those that the receiver asks for. Resolves when the receiver has said that it has
 * everything; then the caller ends the stream.
 * @throws {BuildError} what the receiver says went wrong (`error from receiver: …`), or `invalid_argument` when it breaks the protocol
 */
export async function sendTree(stream: PacketStream, source: TreeSource, options: SendOptions): Promise<void> {
  const sender = new TreeSender(stream, source, options);
  try {
    await sender.run();
  } catch (error) {
    if (!sender.receiverGone) await stream.send(encodePacket({ type: "error", message: messageOf(error) }));
    throw error;
  }
}

class TreeSender {
  /** Whether the receiver has failed or hung up: then there is nobody to tell about errors. */
  receiverGone = false;
  readonly #stream: PacketStream;
  readonly #source: TreeSource;
  readonly #signal: AbortSignal;
  readonly #onProgress: ((sentBytes: number) => void) | undefined;
  readonly #stop = new AbortController();
  /** Files that may still be asked for, by id. */
  readonly #requestable = new Map<number, FileStat>();
  readonly #requests: { readonly id: number; readonly entry: FileStat }[] = [];
  #serving = 0;
  #sentBytes = 0;
  #nextId = 0;
  #failure: PromiseWithResolvers<never> = Promise.withResolvers();
  constructor(stream: PacketStream, source: TreeSource, options: SendOptions) {
    this.#stream = stream;
    this.#source = source;
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
    this.#onProgress = options.onProgress;
    this.#failure.promise.catch(() => undefined);
  }
  async run(): Promise<void> {
    try {
      const finished = this.#readRequests();
      finished.catch(() => undefined);
      await Promise.race([this.#sendEntries(), finished, this.#failure.promise]);
      await Promise.race([finished, this.#failure.promise]);
      await this.#stream.send(encodePacket({ type: "finish" }));
    } finally {
      this.#stop.abort(new Error("the transfer is over"));
    }
  }
  async #sendEntries(): Promise<void> {
    for await (const entry of this.#source.entries) {
      this.#signal.throwIfAborted();
      const id = this.#nextId++;
      if (entry.type === "file" || entry.type === "socket") this.#requestable.set(id, entry);
      await this.#stream.send(encodePacket({ type: "stat", stat: encodeStat(entry) }));
      if (id % entriesPerTurn === entriesPerTurn - 1) await new Promise(setImmediate);
    }
    await this.#stream.send(encodePacket({ type: "end of walk" }));
  }
  /** Takes requests until the receiver says that it has everything. */
  async #readRequests(): Promise<void> {
    const incoming = this.#stream.incoming[Symbol.asyncIterator]();
    // Not a for loop: that would close the stream on leaving, and its owner still wants to see how it ends.
    for (let next = await incoming.next(); !next.done; next = await incoming.next()) {
      const packet = decodePacket(next.value);
      switch (packet.type) {
        case "request": {
          const entry = this.#requestable.get(packet.id);
          if (!entry) throw new BuildError("invalid_argument", `invalid file id ${packet.id}`);
          this.#requestable.delete(packet.id); // each file once
          this.#requests.push({ id: packet.id, entry });
          this.#serve();
          break;
        }
        case "finish":
          return;
        case "error":
          this.receiverGone = true;
          throw new BuildError("unknown", `error from receiver: ${packet.message}`);
        default:
          throw new BuildError("invalid_argument", `unexpected packet "${packet.type}" from receiver`);
      }
    }
    this.receiverGone = true;
    this.#signal.throwIfAborted();
    throw new BuildError("unavailable", "the receiver ended the transfer early: unexpected EOF");
  }
  /** Starts as many transfers as may run at once. */
  #serve(): void {
    while (this.#serving < parallelFiles) {
      const request = this.#requests.shift();
      if (!request) return;
      this.#serving++;
      this.#sendContents(request.id, request.entry)
        .catch((error: unknown) => this.#failure.reject(error))
        .finally(() => {
          this.#serving--;
          this.#serve();
        })
        .catch(() => undefined);
    }
  }
  async #sendContents(id: number, entry: FileStat): Promise<void> {
    const signal = this.#signal;
    for await (const chunk of this.#source.read(entry, { signal })) {
      for (let at = 0; at < chunk.byteLength; at += maxDataBytes) {
        signal.throwIfAborted();
        const data = chunk.subarray(at, at + maxDataBytes);
        await this.#stream.send(encodePacket({ type: "data", id, data }));
        this.#sentBytes += data.byteLength;
        this.#onProgress?.(this.#sentBytes);
      }
    }
    await this.#stream.send(encodePacket({ type: "data", id, data: new Uint8Array() }));
  }
}
