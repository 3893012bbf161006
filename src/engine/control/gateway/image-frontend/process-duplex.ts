import { Duplex } from "node:stream";
import type { ProcessIO } from "../../../executor/mod.ts";
import { StandardInput } from "../containers/mod.ts";

/** How much of what a process says about itself is kept. */
const keptBytes = 4 * 1024;

/** A process's standard input and output as one connection. What it writes to standard error is kept, as far as it is the end of it. */
export class ProcessDuplex extends Duplex {
  readonly #input = new StandardInput();
  #complaints = Buffer.alloc(0);
  #wanted = Promise.withResolvers<void>();

  /** The process's side. */
  readonly io: ProcessIO = {
    stdin: this.#input,
    stdout: async (data) => {
      // The memory is the executor's.
      if (this.destroyed || this.push(Buffer.from(data))) return;
      await this.#wanted.promise;
    },
    stderr: (data) => {
      this.#complaints = Buffer.concat([this.#complaints, data]).subarray(-keptBytes);
    },
  };

  /** The last that it has said on standard error. */
  get complaints(): string {
    return this.#complaints.toString().trim();
  }

  /** The process writes no more. */
  ended(): void {
    if (!this.destroyed) this.push(null);
    this.#input.end();
  }

  override _read(): void {
    this.#wanted.resolve();
    this.#wanted = Promise.withResolvers();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    void this.#pass(chunk, done);
  }

  async #pass(chunk: Buffer, done: () => void): Promise<void> {
    await this.#input.write(chunk);
    done();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#input.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#input.end();
    this.#wanted.resolve();
    done(error);
  }
}
