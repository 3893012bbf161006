import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { makeDirectorySync } from "../../../base/files/mod.ts";
import { isSystemError, O_PATH, type WindowSize } from "../../../base/sys/mod.ts";
import type { ProcessIO } from "../executor.ts";
import { Terminal } from "./terminal.ts";

const pollMs = 2;

/** Where runtimes leave process ids and connect terminals. Empty when nothing runs; emptied at start. */
export class ConversationDirectory implements Disposable {
  readonly path: string;
  readonly #fd: number;
  constructor(path: string) {
    this.path = path;
    rmSync(path, { recursive: true, force: true });
    makeDirectorySync(path, { mode: 0o700 });
    this.#fd = openSync(path, O_PATH | constants.O_DIRECTORY);
  }
  /** A path to a file in it that is short enough for a socket. Good in this process alone. */
  short(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`;
  }
  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** What lets us speak to a process that a runtime starts: its number, and its terminal if it gets one. */
export class Conversation implements AsyncDisposable {
  readonly #directory: ConversationDirectory;
  readonly #name: string;
  readonly #terminal: Terminal | undefined;
  #ended = false;

  static async open(directory: ConversationDirectory, io: ProcessIO): Promise<Conversation> {
    const name = randomBytes(8).toString("hex");
    const terminal = io.terminal ? await Terminal.listen(directory.short(`${name}.sock`), io) : undefined;
    return new Conversation(directory, name, terminal);
  }

  private constructor(directory: ConversationDirectory, name: string, terminal: Terminal | undefined) {
    this.#directory = directory;
    this.#name = name;
    this.#terminal = terminal;
  }

  /** What the runtime has to be told. */
  get flags(): readonly string[] {
    return ["--pid-file", this.#path("pid"), ...(this.#terminal ? ["--console-socket", this.#path("sock")] : [])];
  }

  /** A file of this conversation's own, for a description of the process. */
  get processFile(): string {
    return this.#path("json");
  }

  /** Sends a signal as soon as the process is there. Does nothing once it has ended. */
  async signal(number: number): Promise<void> {
    const pid = await this.pid();
    if (pid === undefined || this.#ended) return;
    try {
      process.kill(pid, number);
    } catch (error) {
      if (!isSystemError(error, "ESRCH")) throw error;
    }
  }

  resize(size: WindowSize): void {
    this.#terminal?.resize(size);
  }

  /** The process's number, once it has one; `undefined` when it has ended before. */
  async pid(): Promise<number | undefined> {
    while (!this.#ended) {
      const pid = this.#readPid();
      if (pid !== undefined) return pid;
      await delay(pollMs);
    }
    return undefined;
  }

  /** The process has ended. Returns when its terminal has shown everything. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#terminal?.drained();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#terminal?.[Symbol.asyncDispose]();
    for (const kind of ["pid", "sock", "json"] as const) rmSync(this.#path(kind), { force: true });
  }

  #readPid(): number | undefined {
    try {
      const text = readFileSync(this.#path("pid"), "utf8").trim();
      return /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
    } catch (error) {
      if (isSystemError(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  #path(kind: "pid" | "sock" | "json"): string {
    return join(this.#directory.path, `${this.#name}.${kind}`);
  }
}
