import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { spawnerEntry } from "./entry.ts";
import { frameHeader, type FrameKind, FrameReader } from "./frames.ts";
import type { ProcessEnd } from "./protocol.ts";
import { RemoteProcess } from "./remote-process.ts";
import type { SpawnOptions } from "./spawner.ts";

/** The engine's end of the socket to one helper process. */
export class HelperConnection {
  readonly #child: ChildProcess;
  readonly #channel: Socket;
  readonly #processes = new Map<number, RemoteProcess>();
  #lastId = 0;
  #closed = false;

  /** Starts a helper. */
  static async start(): Promise<HelperConnection> {
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=1", spawnerEntry()],
      {
        stdio: ["ignore", "inherit", "inherit", "pipe"],
        detached: true,
      },
    );
    await once(child, "spawn");
    return new HelperConnection(child);
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#channel = child.stdio[3] as Socket;
    const reader = new FrameReader();
    this.#channel.on("data", (chunk: Buffer) => {
      for (const { kind, process: id, payload } of reader.push(chunk)) this.#processes.get(id)?.handle(kind, payload);
    });
    this.#channel.on("error", () => undefined); // "close" follows
    this.#channel.once("close", () => {
      this.#closed = true;
      for (const process of this.#processes.values()) process.lost();
    });
    this.#holdLoop();
  }

  /** Whether the helper is gone. */
  get closed(): boolean {
    return this.#closed;
  }

  async run(command: string, args: readonly string[], options: SpawnOptions): Promise<ProcessEnd> {
    const id = ++this.#lastId;
    const process = new RemoteProcess(options, (kind, payload) => this.#send(kind, id, payload));
    this.#processes.set(id, process);
    this.#holdLoop();
    try {
      return await process.run(command, args);
    } finally {
      this.#processes.delete(id);
      this.#holdLoop();
    }
  }

  /** Ends the helper and everything that it runs. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.ref();
    const exited = once(this.#child, "exit");
    this.#channel.destroy();
    await exited;
  }

  /** An idle helper keeps nobody from ending; one that runs something does. */
  #holdLoop(): void {
    if (this.#processes.size > 0) {
      this.#channel.ref();
    } else {
      this.#channel.unref();
      this.#child.unref();
    }
  }

  #send(kind: FrameKind, id: number, payload: Uint8Array): void {
    if (this.#closed) return;
    this.#channel.cork();
    this.#channel.write(frameHeader(kind, id, payload.byteLength));
    this.#channel.write(payload);
    this.#channel.uncork();
  }
}
