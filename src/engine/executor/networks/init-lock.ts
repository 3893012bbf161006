import { closeSync, openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { tryLock } from "../../../base/sys/mod.ts";

const pollMs = 20;

/** Waits until no other engine of this machine sets its network up. @param path of a file that all of them name; `undefined`: no waiting */
export async function lockInit(path: string | undefined): Promise<Disposable> {
  if (path === undefined || path === "") return { [Symbol.dispose]: () => undefined };
  const fd = openSync(path, "w", 0o600);
  while (!tryLock(fd)) await delay(pollMs);
  return { [Symbol.dispose]: () => closeSync(fd) };
}
