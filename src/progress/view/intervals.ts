import type { Nanos } from "../status.ts";

/** A time during which a step ran; `stop` absent while it runs. */
export interface Interval {
  readonly start: Nanos;
  readonly stop?: Nanos;
}

/** Adds a run to a step's runs: a run that is already known by its start is replaced. Sorted by start. */
export function addInterval(intervals: readonly Interval[], added: Interval): readonly Interval[] {
  const others = intervals.filter(({ start }) => start !== added.start);
  return [...others, added].toSorted((a, b) => (a.start < b.start ? -1 : 1));
}

/** How long something ran in all, where runs overlap counted once; runs still open last until `now`. */
export function totalNanos(intervals: readonly Interval[], now: Nanos): Nanos {
  let total = 0n;
  let coveredUntil: Nanos | undefined;
  for (const { start, stop } of intervals) {
    const end = stop ?? (now > start ? now : start);
    const from = coveredUntil !== undefined && coveredUntil > start ? coveredUntil : start;
    if (end > from) total += end - from;
    if (coveredUntil === undefined || end > coveredUntil) coveredUntil = end;
  }
  return total;
}

/** Whether something has run and does not run any more. */
export function allStopped(intervals: readonly Interval[]): boolean {
  return intervals.length > 0 && intervals.every(({ stop }) => stop !== undefined);
}

/** When the last run of something ended that does not run any more. */
export function lastStop(intervals: readonly Interval[]): Nanos {
  return intervals.at(-1)?.stop ?? 0n;
}
