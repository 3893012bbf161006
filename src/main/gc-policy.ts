import type { DiskSpace, GcBounds, GcConfig } from "../engine/config/mod.ts";
import { defaultPolicy, pruneRule, type PruneRule } from "../engine/worker/mod.ts";

const gigabyte = 1e9;

/**
 * The rules that a configuration means on a disk of this size.
 * @returns none: nothing is ever removed; `undefined`: what is usual
 */
export function gcPolicy(config: GcConfig, totalBytes: number): readonly PruneRule[] | undefined {
  if (!config.enabled) return [];
  const { rules, bounds } = config;
  if (rules) {
    return rules.map(({ all, filters, keepDurationMs, ...own }) =>
      pruneRule({ all, filters, keepDurationMs, ...inBytes(own, totalBytes) }),
    );
  }
  if (!bounds) return undefined;
  // The first of the usual rules is for what is cheap to make again; its bound is its own.
  return defaultPolicy(totalBytes).map((rule) =>
    rule.filters.length > 0 ? rule : { ...rule, ...inBytes(bounds, totalBytes) },
  );
}

function inBytes({ reserved, maxUsed, minFree }: GcBounds, totalBytes: number) {
  const bytes = (space: DiskSpace | undefined) => (space ? bytesOf(space, totalBytes) : 0);
  return { reservedBytes: bytes(reserved), maxUsedBytes: bytes(maxUsed), minFreeBytes: bytes(minFree) };
}

/** Shares are rounded up to gigabytes, as buildkitd does. */
function bytesOf(space: DiskSpace, totalBytes: number): number {
  if ("bytes" in space) return space.bytes;
  if (totalBytes === 0) return 2 * gigabyte;
  return (Math.floor((totalBytes * space.percent) / 100 / 2 ** 30) + 1) * gigabyte;
}
