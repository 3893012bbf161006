import { closeSync, write as writeCallback } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { setImmediate as immediate, setTimeout as delay } from "node:timers/promises";
import { ReadStream } from "node:tty";
import { promisify } from "node:util";
import {
  isSystemError,
  receiveDescriptor,
  setNonBlocking,
  setWindowSize,
  type WindowSize,
} from "../../../base/sys/mod.ts";
import type { ProcessIO } from "../executor.ts";

const write = promisify(writeCallback);

/** How often something that cannot be waited for is looked at again. */
const pollMs = 2;
/** How long output may still come when the process itself has ended. */
const lingerMs = 1000;

/**
 * Our end of a process's terminal. The runtime makes the terminal inside of the container, connects to a socket that we listen on, and sends the
 * descriptor along.
 */
export class Terminal implements AsyncDisposable {
  readonly #server: Server;
  readonly #io: Pick<ProcessIO, "stdin" | "stdout">;
  readonly #closed = Promise.withResolvers<void>();
  #stream: ReadStream | undefined;
  #fd = -1;
  #size: WindowSize | undefined;

  /** Listens on a socket at `path`. What the process shows goes to `io` from the moment that it has its terminal. */
  static async listen(path: string, io: Pick<ProcessIO, "stdin" | "stdout">): Promise<Terminal> {
    const server = createServer({ pauseOnConnect: true });
    const terminal = new Terminal(server, io);
    await new Promise<void>((done, failed) => {
      server.once("error", failed);
      server.listen(path, done);
    });
    return terminal;
  }

  private constructor(server: Server, io: Pick<ProcessIO, "stdin" | "stdout">) {
    this.#server = server;
    this.#io = io;
    server.once("connection", (socket) => {
      server.close();
      this.#receive(socket).catch((error: unknown) => this.#closed.reject(error));
    });
    this.#closed.promise.catch(() => undefined); // whoever ends the terminal gets the failure
  }

  resize(size: WindowSize): void {
    this.#size = size;
    if (this.#fd >= 0) setWindowSize(this.#fd, size);
  }

  /** The process has ended: takes what is left of its output, for a moment. */
  async drained(): Promise<void> {
    this.#server.close();
    if (!this.#stream) return;
    const timer = setTimeout(() => this.#stream?.destroy(), lingerMs);
    await this.#closed.promise.finally(() => clearTimeout(timer));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#stream?.destroy();
    return Promise.resolve();
  }

  async #receive(socket: Socket): Promise<void> {
    let fd = receiveDescriptor(socket);
    // It follows the connection at once, and the process's own first look at its terminal follows that: no time to sleep.
    for (; fd === undefined; fd = receiveDescriptor(socket)) await immediate();
    socket.destroy();
    let stream: ReadStream;
    try {
      if (this.#size) setWindowSize(fd, this.#size);
      stream = new ReadStream(fd);
      setNonBlocking(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#fd = fd;
    this.#stream = stream;
    const ended = new AbortController();
    stream.once("close", () => {
      this.#fd = -1;
      ended.abort();
    });
    void this.#type(ended.signal);
    await this.#show(stream).finally(() => stream.destroy());
    this.#closed.resolve();
  }

  async #show(stream: ReadStream): Promise<void> {
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) await this.#io.stdout(chunk);
    } catch (error) {
      // How the last one who had the terminal open leaves it.
      if (!isSystemError(error, "EIO") && (error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE")
        throw error;
    }
  }

  /** Not through the stream, which would stop the whole thread while the process does not read what was typed. */
  async #type(ended: AbortSignal): Promise<void> {
    try {
      for await (const chunk of this.#io.stdin ?? []) {
        for (let at = 0; at < chunk.byteLength; ) {
          if (ended.aborted) return;
          try {
            at += (await write(this.#fd, chunk, at)).bytesWritten;
          } catch (error) {
            if (!isSystemError(error, "EAGAIN")) throw error;
            await delay(pollMs);
          }
        }
      }
    } catch {
      // The process, or whoever types, is gone; how the process ends is told elsewhere.
    }
  }
}
