import { BuildError } from "../base/errors/mod.ts";

/** What one call may hold without being counted: ordinary messages always pass. */
const freeBytes = 64 * 1024;
/** What all large messages that have arrived in part, or wait to be read, may take together. */
const usualLimitBytes = 128 * 1024 * 1024;

/** Bounds what callers can make a server hold by beginning large messages and not ending them. Shared by all calls of a server. */
export class IncomingBudget {
  readonly #limit: number;
  #held = 0;
  constructor(limitBytes: number = usualLimitBytes) {
    this.#limit = limitBytes;
  }
  /**
   * A call that held `before` bytes holds `now` bytes.
   * @throws {BuildError} `resource_exhausted` when that is too much; then the call is counted as it was before
   */
  change(before: number, now: number): void {
    const held = this.#held + countable(now) - countable(before);
    if (now > before && held > this.#limit) {
      throw new BuildError(
        "resource_exhausted",
        `grpc: large messages under way exceed ${this.#limit} bytes: try later`,
      );
    }
    this.#held = held;
  }
}

const countable = (bytes: number) => Math.max(0, bytes - freeBytes);
