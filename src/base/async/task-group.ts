import { Semaphore } from "./semaphore.ts";

/** Runs tasks with a limit on how many run at once; the first failure aborts the others, and leaving the scope waits for all. */
export class TaskGroup implements AsyncDisposable {
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  readonly #slots: Semaphore;
  readonly #running = new Set<Promise<unknown>>();
  constructor(options: { limit?: number; signal?: AbortSignal } = {}) {
    this.#slots = new Semaphore(options.limit ?? Number.POSITIVE_INFINITY);
    this.#signal = options.signal
      ? AbortSignal.any([options.signal, this.#controller.signal])
      : this.#controller.signal;
  }
  /** Starts one task as soon as there is a place for it. */
  run<T>(task: (options: { signal: AbortSignal }) => Promise<T>): Promise<T> {
    const promise = (async () => {
      using _slot = await this.#slots.acquire({ signal: this.#signal });
      return await task({ signal: this.#signal });
    })();
    const settled = promise.then(
      () => undefined,
      (error: unknown) => this.#controller.abort(error),
    );
    this.#running.add(settled);
    void settled.then(() => this.#running.delete(settled));
    return promise;
  }
  /** Starts all and gives their results in the same order; rejects with the first failure, after all have ended. */
  async all<T>(tasks: readonly ((options: { signal: AbortSignal }) => Promise<T>)[]): Promise<T[]> {
    const results = await Promise.allSettled(tasks.map((task) => this.run(task)));
    if (this.#signal.aborted) throw this.#signal.reason;
    return results.map((result) => {
      if (result.status === "rejected") throw result.reason;
      return result.value;
    });
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running);
  }
}
