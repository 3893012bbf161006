import type { Nanos } from "../status.ts";

/** Nanoseconds as seconds. */
export function secondsOf(nanos: Nanos): number {
  return Number(nanos) / 1e9;
}

/** The time of a log line since its step started: three digits after the point at first, fewer later, so that columns stay put. */
export function formatLogTime(nanos: Nanos): string {
  const seconds = secondsOf(nanos);
  return seconds.toFixed(seconds < 10 ? 3 : seconds < 100 ? 2 : 1);
}

/** RFC 3339 in UTC with as many digits after the point as it takes, as Go writes times into JSON. */
export function formatRfc3339(nanos: Nanos): string {
  const seconds = nanos / 1_000_000_000n;
  const fraction = (nanos % 1_000_000_000n).toString().padStart(9, "0").replace(/0+$/, "");
  const date = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${date}${fraction === "" ? "" : `.${fraction}`}Z`;
}
