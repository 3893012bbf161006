import { goQuote, parseGoDuration } from "../../base/text/go-values/mod.ts";

/**
 * A duration as Go writes it (`1h30m`, `1.5s`, `0`) in nanoseconds.
 * @throws {Error} `time: invalid duration "…"`
 */
export function parseDurationNs(text: string): number {
  const ms = text.length > 100 ? undefined : parseGoDuration(text);
  if (ms === undefined || !(Math.abs(ms * 1e6) < 2 ** 63)) throw new Error(`time: ${complaint(text)}`);
  return Math.round(ms * 1e6);
}

/** Where reading stops, in Go's words. */
function complaint(text: string): string {
  const quoted = goQuote(text);
  let rest = text.replace(/^[+-]/, "");
  while (rest !== "") {
    const number = /^(?:\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
    if (number === undefined) break;
    rest = rest.slice(number.length);
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? "";
    if (unit === "") return `missing unit in duration ${quoted}`;
    if (!units.has(unit)) return `unknown unit ${goQuote(unit)} in duration ${quoted}`;
    rest = rest.slice(unit.length);
  }
  return `invalid duration ${quoted}`;
}

const units: ReadonlySet<string> = new Set(["ns", "us", "µs", "μs", "ms", "s", "m", "h"]);

/** A duration in the words of Go's `Duration.String()`: `1h30m0s`, `1.5s`, `30ms`, `0s`. */
export function formatDurationNs(ns: number): string {
  if (ns === 0) return "0s";
  const sign = ns < 0 ? "-" : "";
  const left = Math.abs(ns);
  if (left < 1e3) return `${sign}${left}ns`;
  if (left < 1e6) return `${sign}${decimal(left, 1e3)}µs`;
  if (left < 1e9) return `${sign}${decimal(left, 1e6)}ms`;
  const hours = Math.floor(left / 3600e9);
  const minutes = Math.floor((left % 3600e9) / 60e9);
  const seconds = `${decimal(left % 60e9, 1e9)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

/** `value / unit` without rounding: whole part and the digits that are left. */
function decimal(value: number, unit: number): string {
  const whole = Math.floor(value / unit);
  const rest = String(Math.round(value % unit)).padStart(String(unit).length - 1, "0");
  const digits = rest.replace(/0+$/, "");
  return digits === "" ? String(whole) : `${whole}.${digits}`;
}
