import type { Message } from "./message.ts";

/** A point in time, as messages have it. */
export type Timestamp = Message<"google.protobuf.Timestamp"> & {
  /** Since 1970. */
  seconds: bigint;
  nanos: number;
};

/** A date as messages have it. */
export function timestampFromDate(date: Date): Timestamp {
  const ms = date.getTime();
  const seconds = Math.floor(ms / 1000);
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}

/** Milliseconds since 1970, rounded. */
export function timestampMs({ seconds, nanos }: Pick<Timestamp, "seconds" | "nanos">): number {
  return Number(seconds) * 1000 + Math.round(nanos / 1_000_000);
}
