import type { Display, SolveStatus } from "../../../progress/mod.ts";

/** Progress that is shown only when there is something to wait for: what is quick is nobody's news. */
export class LateDisplay implements Display {
  readonly #open: () => Display;
  #timer: NodeJS.Timeout;
  readonly #held: SolveStatus[] = [];
  #display: Display | undefined;
  #finished = false;

  constructor(open: () => Display, options: { readonly afterMs: number }) {
    this.#open = open;
    this.#timer = setTimeout(() => this.#show(), options.afterMs).unref();
    if (options.afterMs === 0) this.#show();
  }

  update(status: SolveStatus): void {
    if (this.#finished) return;
    if (this.#display) this.#display.update(status);
    else this.#held.push(status);
  }

  /** Begins to wait anew, where nothing is shown yet: what follows has its own time. */
  postpone(afterMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#display && !this.#finished) this.#timer = setTimeout(() => this.#show(), afterMs).unref();
  }

  /** What has not been shown by now has not taken long. What is shown goes on. */
  settle(): void {
    if (!this.#display) this.finish();
  }

  /** May be called again. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    clearTimeout(this.#timer);
    this.#display?.finish();
  }

  #show(): void {
    if (this.#display || this.#finished) return;
    clearTimeout(this.#timer);
    this.#display = this.#open();
    for (const status of this.#held.splice(0)) this.#display.update(status);
  }
}
