import { randomBytes } from "node:crypto";
import { existsSync, statfsSync, unlinkSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isSystemError } from "../../base/errors/mod.ts";

/** What writing down a few removals takes, and opening the databases. */
const reserveBytes = 1024 * 1024;
/** A reserve is laid aside where there was none when there is so much. */
const plentyBytes = 4 * reserveBytes;

/**
 * Room on the engine's disk for the time when it is full: even removing takes some, since databases write down what is to go before it goes. A file
 * of the state directory keeps it; without one (the disk was full from the beginning) there is none to give.
 */
export class Reserve {
  readonly #directory: string;
  readonly #path: string;
  #users = 0;
  #isLent = false;
  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, "reserve");
  }

  /** Gives the room away where it is needed now; it is laid aside again once nobody needs it and there is enough. */
  lend(): AsyncDisposable {
    this.#users++;
    if (this.#freeBytes() < reserveBytes && existsSync(this.#path)) {
      unlinkSync(this.#path);
      this.#isLent = true;
    }
    return {
      [Symbol.asyncDispose]: async () => {
        if (--this.#users === 0) await this.#refill();
      },
    };
  }

  async #refill(): Promise<void> {
    if (existsSync(this.#path)) return;
    const free = this.#freeBytes();
    // What was lent and not used is taken back before somebody else takes it.
    if (free < plentyBytes && !this.#isLent) return;
    this.#isLent = false;
    const bytes = Math.min(reserveBytes, Math.floor(free * 0.9));
    try {
      await writeFile(this.#path, randomBytes(bytes), { mode: 0o600 }); // zeros would take no room on some file systems
    } catch (error) {
      if (!isSystemError(error)) throw error;
      await rm(this.#path, { force: true });
    }
  }

  #freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#directory);
    return bavail * bsize;
  }
}
