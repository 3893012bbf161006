import { messageOf } from "../../base/errors/mod.ts";
import { log } from "../../base/log/mod.ts";
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

  /** Writes down what was noted. What cannot be written now, for instance because the disk is full, is with the next. */
  flush(): void {
    clearImmediate(this.#timer);
    this.#timer = undefined;
    const used = this.#used;
    if (used.size === 0 || !this.#database.isOpen) return;
    this.#used = new Map();
    try {
      this.#database.transaction(() => {
        for (const [layer, at] of used) this.#database.noteUse(layer, at);
      });
    } catch (error) {
      log.warn(`when layers were used could not be noted: ${messageOf(error)}`);
      this.#used = new Map([...used, ...this.#used]);
    }
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}
