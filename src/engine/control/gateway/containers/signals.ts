import { constants } from "node:os";
import { BuildError } from "../../../../base/errors/mod.ts";

/** Where real-time signals begin and end, as the C library counts them. */
const realTime = { first: 34, last: 64 } as const;

/**
 * The number of a signal by its Linux name without `SIG`: `TERM`, `WINCH`, `RTMIN+1`.
 * @throws {BuildError} `invalid_argument` when there is none of that name
 */
export function signalNumber(name: string): number {
  const [, edge, sign, distance = "0"] = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name) ?? [];
  if (edge !== undefined) {
    const number = (edge === "MIN" ? realTime.first : realTime.last) + Number(`${sign ?? "+"}${distance}`);
    if (number >= realTime.first && number <= realTime.last) return number;
  }
  const known = Object.entries(constants.signals).find(([key]) => key === `SIG${name}`)?.[1];
  if (edge !== undefined || known === undefined) throw new BuildError("invalid_argument", `Unknown signal ${name}`);
  return known;
}
