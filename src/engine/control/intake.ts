import { BuildError } from "../../base/errors/mod.ts";

/** Knows how many builds are under way, and lets more in until it is closed. */
export class Intake {
  readonly #empty = Promise.withResolvers<void>();
  #inside = 0;
  #isClosed = false;

  get inside(): number {
    return this.#inside;
  }

  /** A build begins; it ends when what is returned is disposed of. @throws {BuildError} `unavailable` once closed */
  enter(): Disposable {
    if (this.#isClosed) throw new BuildError("unavailable", "the engine is stopping: it takes no more builds");
    this.#inside++;
    return {
      [Symbol.dispose]: () => {
        this.#inside--;
        this.#settle();
      },
    };
  }

  /** Lets nobody in any more. @returns when the last build has ended */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#settle();
    return this.#empty.promise;
  }

  #settle(): void {
    if (this.#isClosed && this.#inside === 0) this.#empty.resolve();
  }
}
