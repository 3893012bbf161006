import type { pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import type { ResourceLimits } from "../../executor/mod.ts";

/**
 * What a step may use, as its graph says it; `undefined`: nothing is limited.
 * @throws {BuildError} `invalid_argument` for what no kernel could keep
 */
export function resourceLimits(given: pb.LinuxResources | undefined): ResourceLimits | undefined {
  if (!given) return undefined;
  const { memory, memorySwap } = given;
  if (memorySwap !== 0n && memory === 0n) {
    throw invalid("a limit of memory and swap needs one of memory, too: set memory as well");
  }
  if (memorySwap > 0n && memorySwap < memory) {
    throw invalid("the limit of memory and swap must not be below that of memory");
  }
  const number = (name: string, value: bigint) => (value === 0n ? {} : { [name]: Number(value) });
  const text = (name: string, value: string) => {
    if (!/^[\d,-]*$/.test(value)) throw invalid(`${JSON.stringify(value)} is no list of numbers, for instance 0-3,6`);
    return value === "" ? {} : { [name]: value };
  };
  const limits: ResourceLimits = {
    ...number("memoryBytes", memory),
    ...number("memorySwapBytes", memorySwap),
    ...number("cpuShares", given.cpuShares),
    ...number("cpuPeriodUs", given.cpuPeriod),
    ...number("cpuQuotaUs", given.cpuQuota),
    ...text("cpusetCpus", given.cpusetCpus),
    ...text("cpusetMems", given.cpusetMems),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

const invalid = (why: string) => new BuildError("invalid_argument", `invalid resource limits of a step: ${why}`);
