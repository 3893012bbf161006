import { readDuration } from "./duration.ts";
import type { TomlTable } from "./toml-table.ts";

/** How much an engine asks of what is around it; what is `undefined` is as usual. */
export interface SystemConfig {
  /** For how long it is remembered which platforms can run here; negative: for ever. */
  readonly platformsMaxAgeMs: number | undefined;
  /** Requests that one registry gets at once. */
  readonly maxRegistryConcurrency: number | undefined;
}

/** Reads `[system]`. */
export function readSystem(table: TomlTable): SystemConfig {
  const concurrency = "maxRegistryConcurrency";
  const requests = table.integer(concurrency);
  if (requests !== undefined && requests <= 0) {
    table.fail(concurrency, `${concurrency} must be greater than zero; set to ${requests} in the configuration file`);
  }
  const age = "platformsCacheMaxAge";
  return {
    platformsMaxAgeMs: table.keys.includes(age) ? readDuration(table, age, { negative: true }) : undefined,
    maxRegistryConcurrency: requests,
  };
}
