import type { RefDatabase } from "./database.ts";

/** Gathers when layers were last held, so that the end of a build, where many are let go at once, costs one transaction. */
export class UseJournal implements Disposable {
  readonly #database: RefDatabase;
  readonly #now: () => Date;
  #used = new Map<string, Date>();
  #timer: NodeJS.Immediate | undefined;

  constructor(database: RefDatabase, now: () => Date) {
    this.#database = database;
    this.#now = now;
  }

  /** The layer was used until now. */
  note(layer: string): void {
    this.#used.set(layer, this.#now());
    this.#timer ??= setImmediate(() => this.flush());
  }

  /** Writes down what was noted. */
  flush(): void {
    clearImmediate(this.#timer);
    this.#timer = undefined;
    const used = this.#used;
    if (used.size === 0 || !this.#database.isOpen) return;
    this.#used = new Map();
    this.#database.transaction(() => {
      for (const [layer, at] of used) this.#database.noteUse(layer, at);
    });
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}
