/** Milliseconds in one of each unit of `grpc-timeout`. */
const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Longest delay that Node's timers take; a longer timeout is as good as none. */
export const maxTimerMs = 2 ** 31 - 1;

/** The value of a `grpc-timeout` header in milliseconds, or `undefined` when there is none or it makes no sense. */
export function parseTimeout(text: string | undefined): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text ?? "");
  if (!match) return undefined;
  return Number(match[1]) * (units[match[2] as string] as number);
}

/** A timeout as a `grpc-timeout` value: at most eight digits, so long ones lose precision. Never rounds down to nothing. */
export function formatTimeout(timeoutMs: number): string {
  const ms = Math.max(1, Math.ceil(timeoutMs));
  if (ms < 1e8) return `${ms}m`;
  const seconds = Math.ceil(ms / 1000);
  return seconds < 1e8 ? `${seconds}S` : "99999999S";
}
