import { setTimeout as delay } from "node:timers/promises";
import { BuildError } from "../../base/errors/mod.ts";

/** How long to wait before each further look, in milliseconds. */
const waits = [100, 400, 1_500];

/**
 * Looks for something that was pushed a moment ago. A registry of several machines may not have it everywhere yet, and one that is getting the same
 * from somebody else may lose sight of it for a moment: so it is looked for again before it counts as missing.
 * @throws {BuildError} `not_found` after the last look; anything else at once
 */
export async function lookPatiently<T>(look: () => Promise<T>, options: { signal: AbortSignal }): Promise<T> {
  for (const wait of waits) {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof BuildError) || error.code !== "not_found") throw error;
    }
    await delay(wait, undefined, options).catch((error: unknown) => {
      options.signal.throwIfAborted();
      throw error;
    });
  }
  return await look();
}
