import type { Job } from "./jobs.ts";

/** A log that could be shown live below the row of its step. */
export interface LiveLog {
  readonly key: string;
  /** How much it has written, in bytes: who writes most is shown first. */
  readonly bytes: number;
  /** Lines that it would take now. */
  readonly lines: number;
}

/**
 * Which logs are shown live on a screen of `height` rows: as many as leave room for every running row, busiest first.
 * @param reserve rows that one log may grow to
 */
export function chooseLiveLogs(
  jobs: readonly Job[],
  logs: readonly LiveLog[],
  height: number,
  reserve: number,
): ReadonlySet<string> {
  let free = height - 2 - jobs.filter(({ state }) => state === "running").length;
  const chosen = new Set<string>();
  for (const log of logs.toSorted((a, b) => b.bytes - a.bytes)) {
    if (free <= reserve + 3) break;
    chosen.add(log.key);
    free -= reserve + 3;
  }
  return chosen;
}

/** The rows that fit into `limit`: the last ones, and before them running rows that would have been cut off, in place of finished ones. */
export function fitJobs(jobs: readonly Job[], limit: number): readonly Job[] {
  if (limit <= 0) return [];
  if (jobs.length <= limit) return jobs;
  const cut = jobs.length - limit;
  const hidden = jobs.slice(0, cut).filter(({ state }) => state === "running");
  let toDrop = hidden.length;
  const kept = jobs.slice(cut).filter(({ state }) => state === "running" || toDrop-- <= 0);
  return [...hidden.slice(hidden.length - (limit - kept.length)), ...kept];
}
