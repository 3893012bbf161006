/** Counts connections, and tells when there has been none for so long. */
export class Activity {
  readonly #idleMs: number | undefined;
  readonly #onIdle: () => void;
  #connections = 0;
  #timer: NodeJS.Timeout | undefined;
  constructor(idleMs: number | undefined, onIdle: () => void) {
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
    this.#arm();
  }
  begin(): void {
    this.#connections++;
    clearTimeout(this.#timer);
  }
  end(): void {
    if (--this.#connections === 0) this.#arm();
  }
  #arm(): void {
    if (this.#idleMs !== undefined) this.#timer = setTimeout(this.#onIdle, this.#idleMs);
  }
}
