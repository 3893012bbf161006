import { setTimeout as delay } from "node:timers/promises";
import { BuildError } from "../../../../base/errors/mod.ts";
import type { ActionsCache, ActionsOptions } from "./actions-cache.ts";

/** How long to wait before looking again for what somebody else is writing. */
const pauseMs = 2_000;
/** After so long whoever has taken a number without writing is thought to have died. */
const patienceMs = 15_000;

/**
 * Writes a list of contents in place of the one before. What is written stays as it is, so each list has a number, and the youngest counts.
 * @param key without number
 */
export async function saveIndex(
  cache: ActionsCache,
  key: string,
  list: Uint8Array,
  { signal }: ActionsOptions,
): Promise<void> {
  const open = async function* () {
    yield await Promise.resolve(list);
  };
  for (let waitedMs = 0; ; ) {
    const known = await cache.find(`${key}#`, { signal });
    let number = known ? numberOf(known.key, key) : 0;
    for (;;) {
      number++;
      const outcome = await cache.save(`${key}#${number}`, open, { signal, sizeBytes: list.byteLength });
      if (outcome === "saved") return;
      if (waitedMs <= patienceMs) break;
    }
    waitedMs += pauseMs;
    await delay(pauseMs, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }
}

function numberOf(found: string, key: string): number {
  const text = found.slice(key.length + 1);
  if (/^\d+$/.test(text)) return Number(text);
  throw new BuildError("data_loss", `github actions cache: failed to parse the number of index ${found}`);
}
