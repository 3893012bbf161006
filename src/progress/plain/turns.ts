/** A step that could have the word. */
export interface Candidate {
  readonly key: string;
  /** News since it last had the word. */
  readonly count: number;
  /** When the first of them came, in milliseconds; absent when it has no news. */
  readonly since: number | undefined;
}

/** A step with less than this share of the news keeps the word at least this long. */
const antiFlickerMs = 5_000;
/** After this long no step waits any longer. */
const maxDelayMs = 10_000;

/**
 * Which of the running steps is to speak next, so that output neither jumps between steps with every line nor hides one of them for long.
 * Pure. `current` is the step that has the word now.
 * @returns the key of the step to switch to, or `undefined` to leave the word where it is
 */
export function nextSpeaker(
  current: Candidate | undefined,
  waiting: readonly Candidate[],
  nowMs: number,
): string | undefined {
  const all = current ? [current, ...waiting] : waiting;
  const rated = all.flatMap(({ key, count, since }) => {
    if (since === undefined) return [];
    const waitedMs = Math.max(1, nowMs - since);
    return [{ key, waitedMs, speed: count / waitedMs, overdue: waitedMs > maxDelayMs && key !== current?.key }];
  });
  if (rated.length === 0) return undefined;
  const overdue = rated.find((candidate) => candidate.overdue);
  const fastest = rated.reduce((best, candidate) => (candidate.speed > best.speed ? candidate : best));
  if (!current) return (overdue ?? fastest).key;
  if (overdue) return overdue.key;
  const mine = rated.find(({ key }) => key === current.key);
  if (!mine) return fastest.key === current.key ? undefined : fastest.key;
  const share = mine.speed / rated.reduce((sum, { speed }) => sum + speed, 0);
  return antiFlickerMs / (1 - share) < mine.waitedMs && fastest.key !== current.key ? fastest.key : undefined;
}
