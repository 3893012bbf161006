import { AsyncQueue } from "../async/mod.ts";
import { BuildError } from "../errors/mod.ts";
import { type FrameKind, frameKind, streamWindow } from "./frames.ts";
import type { ProcessEnd, SpawnFailure, SpawnRequest } from "./protocol.ts";
import type { SpawnOptions } from "./spawner.ts";

/** The largest piece of input in one frame. */
const inputPiece = 256 << 10;

/** One process, seen from the engine, which did not start it itself. */
export class RemoteProcess {
  readonly #options: SpawnOptions;
  readonly #send: (kind: FrameKind, payload: Uint8Array) => void;
  readonly #output = new AsyncQueue<{ readonly kind: FrameKind; readonly bytes: Uint8Array }>();
  readonly #end = Promise.withResolvers<ProcessEnd>();
  /** What went wrong on our side, and made us kill it. */
  #failure: { readonly error: unknown } | undefined;
  #ended = false;
  #inputUnderWay = 0;
  #inputTaken = Promise.withResolvers<void>();

  constructor(options: SpawnOptions, send: (kind: FrameKind, payload: Uint8Array) => void) {
    this.#options = options;
    this.#send = send;
  }

  async run(command: string, args: readonly string[]): Promise<ProcessEnd> {
    const { signal, cwd, env, stdin, onStdout, onStderr, stdoutFile, ifOrphaned } = this.#options;
    const inputFile = stdin !== undefined && "file" in stdin ? stdin : undefined;
    const request: SpawnRequest = {
      command,
      args,
      cwd,
      env,
      stdin: inputFile ?? (stdin === undefined ? "ignore" : "pipe"),
      stdout: stdoutFile === undefined ? (onStdout ? "pipe" : "ignore") : { file: stdoutFile },
      stderr: onStderr ? "pipe" : "ignore",
      ifOrphaned,
    };
    this.#send(frameKind.spawn, Buffer.from(JSON.stringify(request)));
    const onAbort = () => this.#fail(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const delivered = this.#deliver();
      if (stdin !== undefined && !("file" in stdin)) void this.#feed(stdin);
      const end = await this.#end.promise.finally(() => this.#output.end());
      await delivered;
      if (this.#failure) throw this.#failure.error;
      return end;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#ended = true;
      this.#inputTaken.resolve();
    }
  }

  /** A frame of this process has come in. */
  handle(kind: FrameKind, payload: Buffer): void {
    switch (kind) {
      case frameKind.started:
        return this.#started(JSON.parse(payload.toString()) as { pid: number });
      case frameKind.stdout:
      case frameKind.stderr:
        this.#output.push({ kind, bytes: payload });
        return;
      case frameKind.stdinTaken:
        this.#inputUnderWay -= payload.readUInt32BE();
        this.#inputTaken.resolve();
        return;
      case frameKind.ended:
        this.#end.resolve(JSON.parse(payload.toString()) as ProcessEnd);
        return;
      case frameKind.failed: {
        const { message, ...fields } = JSON.parse(payload.toString()) as SpawnFailure;
        this.#end.reject(Object.assign(new Error(message), fields));
        return;
      }
      default:
        throw new Error(`Internal error: the engine got a frame of kind ${kind}`);
    }
  }

  /** The helper is gone, and the process with it. */
  lost(): void {
    this.#end.reject(new BuildError("unavailable", "The process that starts other processes ended unexpectedly"));
  }

  #started({ pid }: { pid: number }): void {
    try {
      this.#options.onStarted?.(pid);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { error };
    this.#send(frameKind.kill, new Uint8Array());
  }

  /** Hands output over in order, one piece at a time, and tells the helper what has been taken. After a failure it is thrown away. */
  async #deliver(): Promise<void> {
    for await (const { kind, bytes } of this.#output) {
      try {
        const take = kind === frameKind.stdout ? this.#options.onStdout : this.#options.onStderr;
        if (!this.#failure) await take?.(bytes);
      } catch (error) {
        this.#fail(error);
      }
      this.#send(frameKind.outputTaken, uint32(bytes.byteLength));
    }
  }

  async #feed(input: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const chunk of input instanceof Uint8Array ? [input] : input) {
        for (let at = 0; at < chunk.byteLength; at += inputPiece) {
          const piece = chunk.subarray(at, at + inputPiece);
          while (this.#inputUnderWay >= streamWindow && !this.#ended) {
            await this.#inputTaken.promise;
            this.#inputTaken = Promise.withResolvers();
          }
          if (this.#ended) return;
          this.#inputUnderWay += piece.byteLength;
          this.#send(frameKind.stdin, piece);
        }
      }
      this.#send(frameKind.stdin, new Uint8Array());
    } catch (error) {
      this.#fail(error);
    }
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
