import { closeSync, openSync } from "node:fs";
import { check, syscall, syscallNumber } from "./libc.ts";

const CLONE_NEWNET = 0x40000000;

/**
 * Makes a network namespace, with nothing in it but a loopback device that is down. `fill` runs in it and must be synchronous: other threads, and
 * whatever this one does before and after, stay where they are. Takes half a millisecond.
 * @returns a descriptor that keeps the namespace until it is closed; `/proc/<pid>/fd/<it>` is a path for others to join it by
 */
export function makeNetworkNamespace(fill: () => void = () => undefined): number {
  const own = openSync("/proc/thread-self/ns/net", "r");
  let made: number | undefined;
  try {
    check(syscall(syscallNumber.unshare, CLONE_NEWNET), "unshare");
    try {
      made = openSync("/proc/thread-self/ns/net", "r");
      fill();
    } finally {
      // A program whose main thread is in the wrong network must not go on.
      if (syscall(syscallNumber.setns, own, CLONE_NEWNET) !== 0n) process.abort();
    }
    return made;
  } catch (error) {
    if (made !== undefined) closeSync(made);
    throw error;
  } finally {
    closeSync(own);
  }
}
