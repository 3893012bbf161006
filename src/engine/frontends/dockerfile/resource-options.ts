import { BuildError } from "../../../base/errors/mod.ts";
import type { LinuxResources } from "../../../llb/mod.ts";

/** Options that limit what each RUN may use. */
export const resourceOptions = ["memory", "memswap", "cpushares", "cpuperiod", "cpuquota", "cpusetcpus", "cpusetmems"];

/**
 * What each RUN may use; `undefined`: whatever there is.
 * @throws {BuildError} `invalid_argument` with BuildKit's words
 */
export function readResources(given: Readonly<Record<string, string>>): LinuxResources | undefined {
  const number = (field: keyof LinuxResources, option: string, options: { readonly unlimited?: boolean } = {}) => {
    const value = given[option] ?? "";
    if (value === "") return {};
    const isNumber = /^\d{1,18}$/.test(value) && BigInt(value) > 0n;
    if (!isNumber && !(options.unlimited && value === "-1")) {
      throw new BuildError("invalid_argument", `invalid ${option} value: ${value}: must be > 0`);
    }
    return { [field]: BigInt(value) };
  };
  const text = (field: keyof LinuxResources, option: string) => (given[option] ? { [field]: given[option] } : {});
  const resources: LinuxResources = {
    ...number("memoryBytes", "memory"),
    ...number("memorySwapBytes", "memswap", { unlimited: true }),
    ...number("cpuShares", "cpushares"),
    ...number("cpuPeriodUs", "cpuperiod"),
    ...number("cpuQuotaUs", "cpuquota"),
    ...text("cpusetCpus", "cpusetcpus"),
    ...text("cpusetMems", "cpusetmems"),
  };
  return Object.keys(resources).length === 0 ? undefined : resources;
}
