import { accessSync, constants, readFileSync, statfsSync } from "node:fs";
import { isSystemError } from "../../../base/sys/mod.ts";
import { inOwnMountNamespace } from "../mount-namespace.ts";
import type { Cgroups } from "./cgroups.ts";
import { openCgroupsV1 } from "./v1.ts";
import { openCgroupsV2 } from "./v2.ts";

const root = "/sys/fs/cgroup";
const CGROUP2_SUPER_MAGIC = 0x63677270;

/**
 * Finds out what the machine has. `undefined`: nothing that we may write to, so containers share the engine's cgroup. `stateDirectory`: the
 * executor's own; `everyTree`: the runtime needs to see all of version 1.
 */
export async function openCgroups(
  stateDirectory: string,
  options: { everyTree: boolean },
): Promise<Cgroups | undefined> {
  try {
    if (statfsSync(root).type === CGROUP2_SUPER_MAGIC) {
      accessSync(root, constants.W_OK);
      return await openCgroupsV2();
    }
    const mounts = v1Mounts();
    // The view for crun must be seen by nobody else.
    if (mounts.length > 0 && inOwnMountNamespace()) return await openCgroupsV1(stateDirectory, mounts, options);
    return undefined;
  } catch (error) {
    if (isSystemError(error, "ENOENT", "EROFS", "EACCES", "EPERM", "EBUSY", "EOPNOTSUPP")) return undefined;
    throw error;
  }
}

/** Where the trees of version 1 are mounted. */
function v1Mounts(): string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, path, type]) => type === "cgroup" && path?.startsWith(`${root}/`))
    .map(([, path]) => path ?? "");
}
