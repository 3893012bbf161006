import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { makeDirectorySync } from "../../../base/files/mod.ts";
import { emptyCgroup, removeCgroup } from "./directory.ts";

/** Shared by all of this process, so that two executors never mean the same cgroup. */
let made = 0;

/**
 * Cgroups that are used again and again, each by one container at a time: the kernel needs 4 ms to make and to remove one. Their counters only grow, so
 * users look at the difference. Their names tell which engine uses them, so that those of a dead one can be found.
 */
export class CgroupSlots {
  readonly #parent: string;
  readonly #free: string[] = [];

  constructor(parent: string) {
    this.#parent = parent;
  }

  /** Kills and removes what engines that are no more have left. */
  async sweep(): Promise<void> {
    if (!existsSync(this.#parent)) return;
    await Promise.all(
      readdirSync(this.#parent)
        .filter(isAbandoned)
        .map((name) => removeCgroup(join(this.#parent, name))),
    );
  }

  /** A directory for one container; hand it to {@link release} afterwards. */
  take(): string {
    const directory = this.#free.pop() ?? join(this.#parent, `${pidNamespace()}-${process.pid}-${made++}`);
    makeDirectorySync(directory);
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

/** Whether the engine that a name tells is gone. One in another container may use the same tree; its process numbers mean nothing to us. */
function isAbandoned(name: string): boolean {
  const [, namespace, pid] = /^(\d+)-(\d+)-\d+$/.exec(name) ?? [];
  return namespace === pidNamespace() && !existsSync(`/proc/${pid}`);
}

/** The kernel's number of our namespace of process numbers. */
function pidNamespace(): string {
  return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
}
