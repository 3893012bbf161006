import { setImmediate } from "node:timers/promises";

/** How long one piece of work may hold the thread, in milliseconds. */
const sliceMs = 20;

/**
 * Lets others have the thread in the middle of long work:
 *
 * ```ts
 * const pace = new Pace(signal);
 * for (const one of many) {
 *   if (pace.isDue) await pace.rest();
 *   …
 * }
 * ```
 */
export class Pace {
  readonly #signal: AbortSignal;
  #since = performance.now();

  /** @param signal ends the work at its next rest */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether the work has held the thread for long enough. */
  get isDue(): boolean {
    return performance.now() - this.#since > sliceMs;
  }

  /** Returns when all that waited for the thread has had it. @throws the signal's reason */
  async rest(): Promise<void> {
    await setImmediate();
    this.#signal.throwIfAborted();
    this.#since = performance.now();
  }
}
