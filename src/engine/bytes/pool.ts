import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { BuildError } from "../../base/errors/mod.ts";
import { byteWorkerEntry } from "./entry.ts";
import type { JobName, Jobs } from "./jobs.ts";
import type { FailureData, Reply, Request } from "./protocol.ts";

/** How a job is run. */
export interface JobOptions {
  readonly signal: AbortSignal;
  /** Told now and then how many bytes of input are done. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * Threads that move bytes, so that the engine's main thread can decide. A thread runs one job at a time, with synchronous file calls;
 * compression goes to libuv's pool. Threads start when there is work and end when there was none for a while.
 */
export interface ByteWorkers extends AsyncDisposable {
  /** How many jobs run at once. */
  readonly limit: number;
  /**
   * Runs one job, as soon as a thread is free. When it rejects, the thread has stopped working on it: what it left half-made can be deleted.
   * @throws {BuildError} of the job; `resource_exhausted` when the disk is full. The signal's reason when it aborts.
   */
  run<N extends JobName>(name: N, input: Jobs[N]["input"], options: JobOptions): Promise<Jobs[N]["output"]>;
}

/** Makes the threads' pool; no thread is started yet. */
export function openByteWorkers(options: { limit?: number; idleMs?: number; entry?: string | URL } = {}): ByteWorkers {
  return new Pool({
    limit: options.limit ?? Math.min(8, Math.max(2, availableParallelism())),
    idleMs: options.idleMs ?? 10_000,
    entry: options.entry ?? byteWorkerEntry(),
  });
}

interface Task {
  readonly name: JobName;
  readonly input: unknown;
  readonly options: JobOptions;
  readonly cancelled: Int32Array;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  task: Task | undefined;
  idle: NodeJS.Timeout | undefined;
}

class Pool implements ByteWorkers {
  readonly limit: number;
  readonly #idleMs: number;
  readonly #entry: string | URL;
  readonly #threads = new Set<Thread>();
  readonly #queue: Task[] = [];
  #closed = false;

  constructor(options: { limit: number; idleMs: number; entry: string | URL }) {
    this.limit = options.limit;
    this.#idleMs = options.idleMs;
    this.#entry = options.entry;
  }

  async run<N extends JobName>(name: N, input: Jobs[N]["input"], options: JobOptions): Promise<Jobs[N]["output"]> {
    const { signal } = options;
    signal.throwIfAborted();
    if (this.#closed) throw new BuildError("unavailable", "The engine is shutting down");
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    const task: Task = { name, input, options, cancelled, resolve, reject };
    const onAbort = () => this.#cancel(task);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#queue.push(task);
    this.#dispatch();
    try {
      return (await promise) as Jobs[N]["output"];
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const error = new BuildError("unavailable", "The engine is shutting down");
    for (const task of this.#queue.splice(0)) task.reject(error);
    for (const { task } of this.#threads) if (task) Atomics.store(task.cancelled, 0, 1);
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #cancel(task: Task): void {
    const queued = this.#queue.indexOf(task);
    if (queued >= 0) {
      this.#queue.splice(queued, 1);
      task.reject(task.options.signal.reason);
    } else {
      Atomics.store(task.cancelled, 0, 1);
    }
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const thread = [...this.#threads].find(({ task }) => task === undefined) ?? this.#start();
      if (!thread) return;
      const task = this.#queue.shift() as Task;
      thread.task = task;
      clearTimeout(thread.idle);
      thread.worker.ref();
      const { name, input, cancelled } = task;
      thread.worker.postMessage({ id: 0, name, input, cancelled } as Request);
    }
  }

  #start(): Thread | undefined {
    if (this.#threads.size >= this.limit || this.#closed) return undefined;
    const worker = new Worker(this.#entry, { name: "bytes", resourceLimits: { maxYoungGenerationSizeMb: 16 } });
    const thread: Thread = { worker, task: undefined, idle: undefined };
    this.#threads.add(thread);
    worker.on("message", (reply: Reply) => this.#onReply(thread, reply));
    worker.on("error", (error) => this.#onEnd(thread, error));
    worker.on("exit", (code) => this.#onEnd(thread, new Error(`Internal error: a byte worker ended with ${code}`)));
    return thread;
  }

  #onReply(thread: Thread, reply: Reply): void {
    const { task } = thread;
    if (!task) return;
    if (reply.type === "progress") {
      task.options.onProgress?.(reply.bytes);
      return;
    }
    thread.task = undefined;
    thread.worker.unref();
    thread.idle = setTimeout(() => this.#retire(thread), this.#idleMs);
    thread.idle.unref();
    if (reply.type === "done") task.resolve(reply.output);
    else if (reply.type === "failed") task.reject(errorOf(reply.error));
    else task.reject(task.options.signal.aborted ? task.options.signal.reason : shuttingDown());
    this.#dispatch();
  }

  /** Ends a thread that had nothing to do. It gets nothing from now on: its end takes a moment. */
  #retire(thread: Thread): void {
    this.#threads.delete(thread);
    void thread.worker.terminate();
  }

  #onEnd(thread: Thread, error: unknown): void {
    this.#threads.delete(thread);
    clearTimeout(thread.idle);
    const { task } = thread;
    thread.task = undefined;
    task?.reject(this.#closed ? shuttingDown() : error);
    this.#dispatch();
  }
}

function shuttingDown(): BuildError {
  return new BuildError("unavailable", "The engine is shutting down");
}

function errorOf(failure: FailureData): Error {
  const { message, stack, buildCode, systemCode } = failure;
  const cause = Object.assign(new Error(message), { stack, ...(systemCode ? { code: systemCode } : {}) });
  if (systemCode === "ENOSPC" || systemCode === "EDQUOT")
    return new BuildError("resource_exhausted", message, { cause });
  if (buildCode) return new BuildError(buildCode, message, { cause });
  return cause;
}
