import type { ErrorCode } from "../base/errors/mod.ts";

/** gRPC's numbers for the codes; 0 is success. */
const numbers: Readonly<Record<ErrorCode, number>> = {
  canceled: 1,
  unknown: 2,
  invalid_argument: 3,
  deadline_exceeded: 4,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  failed_precondition: 9,
  aborted: 10,
  out_of_range: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  data_loss: 15,
  unauthenticated: 16,
};
const codes = new Map(Object.entries(numbers).map(([code, number]) => [number, code as ErrorCode]));

/** The number of a code on the wire. */
export function numberOfCode(code: ErrorCode): number {
  return numbers[code];
}

/** The code behind a number; numbers that gRPC does not define count as `unknown`. */
export function codeOfNumber(number: number): ErrorCode {
  return codes.get(number) ?? "unknown";
}

/** A code as programs in Go spell it: `NotFound`, and `OK` for success. */
export function goNameOfCode(code: "ok" | ErrorCode): string {
  if (code === "ok") return "OK";
  return code.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
