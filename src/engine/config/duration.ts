import { parseGoDuration } from "../../base/text/go-values/mod.ts";
import type { TomlTable } from "./toml-table.ts";

/** A length of time in milliseconds: Go's notation, or seconds. 0 when the key is not there. @param options.negative whether it may be less than nothing */
export function readDuration(table: TomlTable, key: string, { negative = false } = {}): number {
  const text = table.scalar(key) ?? "0";
  const ms = /^-?\d+$/.test(text) ? Number(text) * 1000 : parseGoDuration(text);
  return ms !== undefined && (ms >= 0 || negative) ? ms : table.fail(key, `invalid duration ${JSON.stringify(text)}`);
}
