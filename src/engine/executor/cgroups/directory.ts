import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isSystemError } from "../../../base/sys/mod.ts";

/** How long to wait for killed processes to be gone. The kernel needs milliseconds unless one hangs in a broken disk or network mount. */
const patienceMs = 5000;

/** Kills what is in a cgroup (not below it) and waits until it is gone. Content when the cgroup itself is. */
export async function emptyCgroup(directory: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    const pids = processesIn(directory);
    if (pids.length === 0) return;
    if (performance.now() > deadline) throw new Error(`Processes ${pids.join(", ")} in ${directory} cannot be killed`);
    for (const pid of pids) kill(pid);
    await delay(pause);
  }
}

/** Kills what is in a cgroup and below it, and removes it. Content when it is gone already. */
export async function removeCgroup(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  const deadline = performance.now() + patienceMs;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeCgroup(join(directory, entry.name));
  }
  for (;;) {
    await emptyCgroup(directory);
    try {
      return rmdirSync(directory);
    } catch (error) {
      if (isSystemError(error, "ENOENT")) return;
      // A process that has just ended may count for a moment longer.
      if (!isSystemError(error, "EBUSY") || performance.now() > deadline) throw error;
    }
    await delay(2);
  }
}

/** Removes a cgroup that is only a parent of others, unless somebody still uses it. */
export function removeParent(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!isSystemError(error, "EBUSY", "ENOENT", "ENOTEMPTY")) throw error;
  }
}

/** The number behind `key` in a cgroup file of `key value` lines; 0 when there is none. */
export function counter(file: string, key: string): number {
  try {
    return Number(new RegExp(`^${key} (\\d+)$`, "m").exec(readFileSync(file, "utf8"))?.[1] ?? 0);
  } catch (error) {
    if (isSystemError(error)) return 0;
    throw error;
  }
}

function processesIn(directory: string): readonly number[] {
  try {
    // 0 stands for processes that our namespace does not see.
    return readFileSync(join(directory, "cgroup.procs"), "utf8")
      .split("\n")
      .map(Number)
      .filter((pid) => pid > 0);
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENODEV")) return [];
    throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!isSystemError(error, "ESRCH")) throw error;
  }
}
