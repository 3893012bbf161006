import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { frameKind, streamWindow } from "./frames.ts";
import type { ProcessEnd, SpawnFailure, SpawnRequest } from "./protocol.ts";

/** How long the helper waits for the end of output when somebody outside of the process group still holds the pipe. */
const lingerMs = 1000;

/** Sends one frame of this process to the engine. */
export type Send = (kind: (typeof frameKind)[keyof typeof frameKind], payload: Uint8Array) => void;

/** One process, seen from the helper that started it. It leads a process group of its own, which is killed when it ends. */
export class HelperProcess {
  readonly request: SpawnRequest;
  readonly #child: ChildProcess;
  readonly #send: Send;
  /** Bytes of output sent and not yet dealt with by the engine. */
  #underWay = 0;

  /** @throws what Node throws when a file cannot be opened; a command that cannot be run is reported by a frame */
  constructor(request: SpawnRequest, send: Send, onGone: () => void) {
    this.request = request;
    this.#send = send;
    const child = start(request);
    this.#child = child;
    child.stdout?.on("data", (chunk: Buffer) => this.#output(frameKind.stdout, chunk));
    child.stderr?.on("data", (chunk: Buffer) => this.#output(frameKind.stderr, chunk));
    child.stdin?.on("error", () => undefined); // EPIPE: the process does not want more; `write` below reports that as taken
    child.once("spawn", () => send(frameKind.started, json({ pid: child.pid })));
    child.once("error", (error) => {
      if (child.pid !== undefined) return; // only a failed start matters; a failed kill shows in how the process ends
      send(frameKind.failed, json(failure(error)));
      onGone();
    });
    child.once("exit", () => {
      this.#signalGroup();
      const linger = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, lingerMs);
      child.once("close", () => clearTimeout(linger));
    });
    child.once("close", (code, signal) => {
      if (child.pid === undefined) return;
      send(frameKind.ended, json({ code, signal } satisfies ProcessEnd));
      onGone();
    });
  }

  /** Bytes for the standard input; none end it. The engine is told when they have been taken, whether the process read them or not. */
  write(bytes: Buffer): void {
    if (bytes.length === 0) {
      this.#child.stdin?.end();
      return;
    }
    const taken = Buffer.alloc(4);
    taken.writeUInt32BE(bytes.length);
    const { stdin } = this.#child;
    if (!stdin || stdin.destroyed) this.#send(frameKind.stdinTaken, taken);
    else stdin.write(bytes, () => this.#send(frameKind.stdinTaken, taken));
  }

  /** The engine has dealt with so many bytes of output. */
  outputTaken(bytes: number): void {
    this.#underWay -= bytes;
    if (this.#underWay >= streamWindow) return;
    this.#child.stdout?.resume();
    this.#child.stderr?.resume();
  }

  /** Kills the process and whatever it started in its group. */
  kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#signalGroup();
    // Output that nobody takes any more must not keep the end from being seen.
    this.outputTaken(this.#underWay);
  }

  #output(kind: typeof frameKind.stdout | typeof frameKind.stderr, chunk: Buffer): void {
    this.#send(kind, chunk);
    this.#underWay += chunk.length;
    if (this.#underWay < streamWindow) return;
    this.#child.stdout?.pause();
    this.#child.stderr?.pause();
  }

  #signalGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // ESRCH: nobody is left in the group.
    }
  }
}

function start(request: SpawnRequest): ChildProcess {
  const opened: number[] = [];
  const open = (path: string, flags: string): number => {
    const fd = openSync(path, flags);
    opened.push(fd);
    return fd;
  };
  try {
    const { stdin, stdout, stderr, cwd, env } = request;
    const stdio: StdioOptions = [
      typeof stdin === "string" ? stdin : open(stdin.file, "r"),
      typeof stdout === "string" ? stdout : open(stdout.file, "w"),
      stderr,
    ];
    // `detached`: a session and process group of its own, so that all of it can be killed at once.
    return spawn(request.command, request.args, { cwd, env: env ?? process.env, stdio, detached: true });
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** What the engine needs to make the same error. */
export function failure(error: unknown): SpawnFailure {
  const { message, code, errno, syscall, path } = error as NodeJS.ErrnoException;
  return { message, code, errno, syscall, path };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
