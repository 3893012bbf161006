import { readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isSystemError } from "../../../base/sys/mod.ts";

/** How long to wait for killed processes to be gone. The kernel needs milliseconds unless one hangs in a broken disk or network mount. */
const patienceMs = 5000;

/** Kills what is in a cgroup directory (not below it) and removes it. Content when it is gone already. */
export async function removeCgroup(directory: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    try {
      return rmdirSync(directory);
    } catch (error) {
      if (isSystemError(error, "ENOENT")) return;
      if (!isSystemError(error, "EBUSY") || performance.now() > deadline) throw error;
    }
    killAll(directory);
    await delay(pause);
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

function killAll(directory: string): void {
  let pids: number[];
  try {
    pids = readFileSync(join(directory, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENODEV")) return;
    throw error;
  }
  for (const pid of pids) {
    try {
      if (pid > 0) process.kill(pid, "SIGKILL");
    } catch (error) {
      if (!isSystemError(error, "ESRCH")) throw error;
    }
  }
}
