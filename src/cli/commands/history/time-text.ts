import { timestampMs, type Timestamp } from "../../../base/protobuf/mod.ts";

/** RFC 3339 with as many digits as there are. */
export function timeText(time: Timestamp): string {
  const fraction = String(time.nanos).padStart(9, "0").replace(/0+$/, "");
  const [seconds] = new Date(timestampMs(time)).toISOString().split(".");
  return `${seconds}${fraction === "" ? "" : `.${fraction}`}Z`;
}
