import { setTimeout as delay } from "node:timers/promises";

/** How often to try again, and how long to wait. */
export interface RetryPolicy {
  /** Attempts in all. */
  readonly attempts: number;
  /** Before the second attempt; doubled for each further one. */
  readonly baseDelayMs: number;
  /** The longest wait that a server's `Retry-After` is followed for; with a longer one we give up at once. */
  readonly longestDelayMs: number;
}

/** Three more attempts within about two seconds: a hiccup is bridged, a dead registry is reported soon. */
export const defaultRetryPolicy: RetryPolicy = { attempts: 4, baseDelayMs: 250, longestDelayMs: 30_000 };

/** Whether a server that answered so may answer otherwise a moment later. */
export function isTransientStatus(status: number): boolean {
  return [408, 425, 429, 500, 502, 503, 504].includes(status);
}

/**
 * How long to wait before the next attempt; `undefined` to give up.
 * @param attempt how many have failed
 * @param retryAfter the server's header of that name: seconds or a date
 */
export function nextDelayMs(
  policy: RetryPolicy,
  attempt: number,
  retryAfter?: string,
  now: number = Date.now(),
): number | undefined {
  if (attempt >= policy.attempts) return undefined;
  const asked = parseRetryAfter(retryAfter, now);
  if (asked !== undefined) return asked <= policy.longestDelayMs ? asked : undefined;
  return Math.min(policy.baseDelayMs * 2 ** (attempt - 1), policy.longestDelayMs);
}

function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Waits with a little chance, so that many who failed together do not come back together. */
export async function pause(delayMs: number, options: { signal: AbortSignal }): Promise<void> {
  try {
    await delay(delayMs * (1 + Math.random() / 4), undefined, { signal: options.signal, ref: true });
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  }
}
