import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { emptyCgroup, removeCgroup } from "./directory.ts";

/**
 * Cgroups that are used again and again, each by one container at a time: the kernel needs 4 ms to make and to remove one. Their counters only grow, so
 * users look at the difference. Names begin with `prefix`, by which the next engine finds what a killed one has left.
 */
export class CgroupSlots {
  readonly #parent: string;
  readonly #prefix: string;
  readonly #free: string[] = [];
  #made = 0;

  constructor(parent: string, prefix: string) {
    this.#parent = parent;
    this.#prefix = prefix;
  }

  /** Kills and removes what an earlier engine has left. */
  async sweep(): Promise<void> {
    if (!existsSync(this.#parent)) return;
    const left = readdirSync(this.#parent).filter((name) => name.startsWith(this.#prefix));
    await Promise.all(left.map((name) => removeCgroup(join(this.#parent, name))));
  }

  /** A directory for one container; hand it to {@link release} afterwards. */
  take(): string {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const directory = join(this.#parent, `${this.#prefix}${this.#made++}`);
    mkdirSync(directory, { recursive: true });
    return directory;
  }

  /** Kills what is still in it, and waits until it is gone. */
  async release(directory: string): Promise<void> {
    await emptyCgroup(directory);
    this.#free.push(directory);
  }

  /** Removes all that are not in use. */
  async close(): Promise<void> {
    await Promise.all(this.#free.splice(0).map(removeCgroup));
  }
}
