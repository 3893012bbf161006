/** What to remove. One rule of the engine's policy, or one request to prune. */
export interface PruneRule {
  /** Whether internal and frontend records, and those shared with others, may go as well. */
  readonly all: boolean;
  /** What may go: records that one of these filters matches; none: every record. See `parseFilters`. */
  readonly filters: readonly string[];
  /** What was used since so long stays; 0: nothing stays for that. */
  readonly keepDurationMs: number;
  /** So much always stays; 0: nothing. */
  readonly reservedBytes: number;
  /** Removing ends when no more than this is taken; 0: no such bound. */
  readonly maxUsedBytes: number;
  /** Removing ends when so much is free on the disk; 0: no such bound. */
  readonly minFreeBytes: number;
}

/** A rule that lets everything go that is not in use, with changes. */
export function pruneRule(changes: Partial<PruneRule> = {}): PruneRule {
  const bounds = { keepDurationMs: 0, reservedBytes: 0, maxUsedBytes: 0, minFreeBytes: 0 };
  return { all: false, filters: [], ...bounds, ...changes };
}

const hourMs = 3_600_000;
const gigabyte = 1e9;

/** BuildKit's policy for a disk of this size. @param totalBytes 0: not known */
export function defaultPolicy(totalBytes: number): readonly PruneRule[] {
  const reservedBytes = Math.min(share(10, totalBytes), 10 * gigabyte);
  const maxUsedBytes = Math.min(share(80, totalBytes), 100 * gigabyte);
  const minFreeBytes = share(20, totalBytes);
  const bounds = { reservedBytes, maxUsedBytes, minFreeBytes };
  const cheap = ["type==source.local", "type==exec.cachemount", "type==source.git.checkout"];
  return [
    pruneRule({ filters: cheap, keepDurationMs: 48 * hourMs, maxUsedBytes: 512e6 }),
    pruneRule({ ...bounds, keepDurationMs: 1440 * hourMs }),
    pruneRule(bounds),
    pruneRule({ ...bounds, all: true }),
  ];
}

/** So many percent of a disk, rounded up to gigabytes. */
function share(percent: number, totalBytes: number): number {
  if (totalBytes === 0) return 2 * gigabyte;
  return (Math.floor((totalBytes * percent) / 100 / 2 ** 30) + 1) * gigabyte;
}
