import { health } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { type Channel, createClient } from "../../rpc/mod.ts";

/** How often and how patiently a session is asked whether it is alive. */
export interface HealthCheckOptions {
  /** Between two checks, and before the first. */
  readonly intervalMs: number;
  /** Least time for an answer; a check may take half as long again as the one before. */
  readonly timeoutMs: number;
  /** Failures in a row that end the session. */
  readonly fatalAfter: number;
}

/** BuildKit's own values. */
export const defaultHealthCheck: HealthCheckOptions = { intervalMs: 5000, timeoutMs: 15_000, fatalAfter: 2 };

/**
 * Asks the other side of `channel` over and over whether it is alive.
 * @returns when `signal` aborts
 * @throws {BuildError} `unavailable` when the other side no longer answers
 */
export async function checkHealth(channel: Channel, options: HealthCheckOptions, signal: AbortSignal): Promise<void> {
  const client = createClient(health.Health, channel);
  let failures = 0;
  let lastMs = 0;
  for (;;) {
    await pause(options.intervalMs, signal);
    if (signal.aborted) return;
    const started = performance.now();
    try {
      await client.check({}, { signal, timeoutMs: Math.max(options.timeoutMs, 1.5 * lastMs) });
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      // A client without the health service is alive all the same: it answered.
      failures = error instanceof BuildError && error.code === "unimplemented" ? 0 : failures + 1;
      if (failures >= options.fatalAfter) {
        throw new BuildError("unavailable", "session healthcheck failed fatally", { cause: error });
      }
    }
    lastMs = performance.now() - started;
  }
}

/** Waits for `delayMs` or until `signal` aborts. */
function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  const timer = setTimeout(onAbort, delayMs);
  if (signal.aborted) resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  });
}
