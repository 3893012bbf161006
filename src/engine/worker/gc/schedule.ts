import { isAbort, messageOf } from "../../../base/errors/mod.ts";
import { log } from "../../../base/log/mod.ts";

/** How long after a build its collection begins: often another build follows at once. */
const delayMs = 1000;

/** Does something again and again when it is wished for, but not too often. */
export class Schedule implements AsyncDisposable {
  readonly #work: (signal: AbortSignal) => Promise<unknown>;
  readonly #intervalMs: number;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isWished = false;
  #earliest = 0;

  constructor(work: (signal: AbortSignal) => Promise<unknown>, options: { readonly intervalMs: number }) {
    this.#work = work;
    this.#intervalMs = options.intervalMs;
  }

  /** It is done soon, once, however often it is wished for until then. */
  wish(): void {
    this.#isWished = true;
    if (this.#timer || this.#running || this.#controller.signal.aborted) return;
    const waitMs = Math.max(Math.min(delayMs, this.#intervalMs), this.#earliest - performance.now());
    this.#timer = setTimeout(() => this.#start(), waitMs);
    this.#timer.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #start(): void {
    this.#timer = undefined;
    this.#isWished = false;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    try {
      await this.#work(this.#controller.signal);
    } catch (error) {
      if (!isAbort(error)) log.error(`garbage collection failed: ${messageOf(error)}`);
    }
    this.#earliest = performance.now() + this.#intervalMs;
    this.#running = undefined;
    if (this.#isWished) this.wish();
  }
}
