import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import type { ResourceLimits } from "../executor.ts";

/** A file of a controller of cgroups version 1, and what is written into it. */
interface Setting {
  readonly tree: string;
  readonly file: string;
  readonly value: string;
}

/** What the limits are as files of version 1, in the order in which the kernel takes them. */
function settingsOf(limits: ResourceLimits): readonly Setting[] {
  const setting = (tree: string, file: string, value: number | string | undefined): readonly Setting[] =>
    value === undefined ? [] : [{ tree, file: `${tree}.${file}`, value: String(value) }];
  return [
    ...setting("memory", "limit_in_bytes", limits.memoryBytes),
    ...setting("memory", "memsw.limit_in_bytes", limits.memorySwapBytes),
    ...setting("cpu", "shares", limits.cpuShares),
    ...setting("cpu", "cfs_period_us", limits.cpuPeriodUs),
    ...setting("cpu", "cfs_quota_us", limits.cpuQuotaUs),
    ...setting("cpuset", "cpus", limits.cpusetCpus),
    ...setting("cpuset", "mems", limits.cpusetMems),
  ];
}

/** The controllers of version 1 that keep the limits. */
export function treesFor(limits: ResourceLimits): readonly string[] {
  return [...new Set(settingsOf(limits).map(({ tree }) => tree))];
}

/**
 * Sets limits in cgroups of version 1.
 * @param directoryOf the container's cgroup in a tree
 * @throws {BuildError} `failed_precondition`: the kernel does not keep such a limit, or not that one
 */
export function writeLimits(limits: ResourceLimits, directoryOf: (tree: string) => string): void {
  for (const { tree, file, value } of settingsOf(limits)) {
    const path = join(directoryOf(tree), file);
    // It would be made, by whoever writes to it, in a file system that is no cgroup's.
    if (!existsSync(path)) throw cannotLimit(`its kernel has no ${file}`);
    try {
      writeFileSync(path, value);
    } catch (error) {
      throw cannotLimit(`its kernel refuses ${value} as ${file}: ${messageOf(error)}`);
    }
  }
}

/** @param why clause about "this machine" */
export function cannotLimit(why: string): BuildError {
  return new BuildError("failed_precondition", `this machine cannot limit what a step uses as asked for: ${why}`);
}

/** The limits as a part of a runtime's `linux.resources`. */
export function runtimeResources(limits: ResourceLimits): object {
  const { memoryBytes, memorySwapBytes, cpuShares, cpuPeriodUs, cpuQuotaUs, cpusetCpus, cpusetMems } = limits;
  return {
    memory: { limit: memoryBytes, swap: memorySwapBytes },
    cpu: { shares: cpuShares, period: cpuPeriodUs, quota: cpuQuotaUs, cpus: cpusetCpus, mems: cpusetMems },
  };
}
