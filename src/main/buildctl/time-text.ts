import type { Timestamp } from "../../base/protobuf/mod.ts";

/** RFC 3339 in UTC, with as many digits as there are. */
export function timeText(time: Timestamp | undefined): string | undefined {
  if (!time) return undefined;
  const fraction = String(time.nanos).padStart(9, "0").replace(/0+$/, "");
  const [seconds] = new Date(Number(time.seconds) * 1000).toISOString().split(".");
  return `${seconds}${fraction === "" ? "" : `.${fraction}`}Z`;
}

/** RFC 3339 on this machine's clock, in seconds: `2026-11-21T10:36:49+01:00`; empty for none. */
export function localTimeText(time: Timestamp | undefined): string {
  if (!time) return "";
  const date = new Date(Number(time.seconds) * 1000);
  const offset = -date.getTimezoneOffset();
  if (offset === 0) return `${date.toISOString().slice(0, 19)}Z`;
  const two = (value: number) => String(value).padStart(2, "0");
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const minutes = Math.abs(offset);
  return `${local}${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
