import { readDuration } from "./duration.ts";
import type { TomlTable } from "./toml-table.ts";

/** How many ended builds an engine remembers: one is forgotten when it is both too old and one too many. */
export interface HistoryConfig {
  readonly maxAgeMs: number;
  readonly maxEntries: number;
}

/**
 * Reads `[history]`. What is usual are the 50 newest builds, and all of the last 48 hours; where one of the two is said, the other one keeps nothing, as
 * for buildkitd.
 */
export function readHistory(table: TomlTable): HistoryConfig {
  if (table.keys.length === 0) return { maxAgeMs: 48 * 3600_000, maxEntries: 50 };
  return { maxAgeMs: readDuration(table, "maxAge"), maxEntries: table.count("maxEntries") ?? 0 };
}
