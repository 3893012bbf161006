import { parseRecordFilters } from "./filter.ts";
import type { UsageRecord } from "./record.ts";
import type { PruneRule } from "./rule.ts";

/**
 * How much may stay: removing ends there.
 * @returns `undefined` when the rule bounds nothing, so that everything that it matches goes
 */
export function bytesToKeep(
  { reservedBytes, maxUsedBytes, minFreeBytes }: PruneRule,
  disk: { readonly usedBytes: number; readonly freeBytes: number },
): number | undefined {
  if (reservedBytes === 0 && maxUsedBytes === 0 && minFreeBytes === 0) return undefined;
  // Nothing but a reserve: everything above it goes.
  if (maxUsedBytes === 0 && minFreeBytes === 0) return reservedBytes;
  let keep = maxUsedBytes === 0 ? Number.POSITIVE_INFINITY : maxUsedBytes;
  const lacking = minFreeBytes - disk.freeBytes;
  if (minFreeBytes > 0 && lacking > 0) keep = Math.min(keep, disk.usedBytes - lacking);
  return Math.max(keep, reservedBytes, 0);
}

/**
 * The records that a rule lets go, those first that are missed least: used long ago, and seldom.
 * @throws {BuildError} `invalid_argument` for a filter that cannot be read
 */
export function removalOrder<T extends { readonly record: UsageRecord }>(
  items: readonly T[],
  rule: PruneRule,
  now: Date,
): readonly T[] {
  const matches = parseRecordFilters(rule.filters);
  const usedBefore = now.getTime() - rule.keepDurationMs;
  const mayGo = ({ record }: T): boolean => {
    const { isInUse, type, isShared, usedAt } = record;
    if (isInUse) return false;
    if (!rule.all && (type === "internal" || type === "frontend" || isShared)) return false;
    if (rule.keepDurationMs > 0 && usedAt && usedAt.getTime() > usedBefore) return false;
    return matches(record);
  };
  const candidates = items.filter(mayGo);
  const age = ranks(candidates, ({ record }) => record.usedAt?.getTime() ?? 0);
  const uses = ranks(candidates, ({ record }) => record.uses);
  const score = (item: T): number => (age.get(item) ?? 0) + (uses.get(item) ?? 0);
  return candidates.sort((a, b) => score(a) - score(b));
}

/** Where each stands between the lowest value, 0, and the highest, 1. Equal values stand at the same place. */
function ranks<T>(items: readonly T[], valueOf: (item: T) => number): ReadonlyMap<T, number> {
  const values = [...new Set(items.map(valueOf))].sort((a, b) => a - b);
  const places = new Map(values.map((value, at) => [value, values.length > 1 ? at / (values.length - 1) : 0]));
  return new Map(items.map((item) => [item, places.get(valueOf(item)) ?? 0]));
}
