import { readDuration } from "./duration.ts";
import type { TomlTable } from "./toml-table.ts";

/** How many ended builds an engine remembers: one is forgotten when it is both too old and one too many. */
export interface HistoryConfig {
  readonly maxAgeMs: number;
  readonly maxEntries: number;
}

/** Reads `[history]`; what is usual are the 50 newest builds, and all of the last 48 hours. */
export function readHistory(table: TomlTable): HistoryConfig {
  return {
    maxAgeMs: table.keys.includes("maxAge") ? readDuration(table, "maxAge") : 48 * 3600_000,
    maxEntries: table.count("maxEntries") ?? 50,
  };
}
