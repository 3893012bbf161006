import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../../../base/sys/mod.ts";
import { type Cgroups, defaultParent, parentPath } from "./cgroups.ts";
import { counter, removeCgroup } from "./directory.ts";

const root = "/sys/fs/cgroup";
const wantedControllers = ["cpu", "memory", "pids"];

/**
 * Cgroups of version 2: one tree. The runtime makes and removes `<parent>/<id>/run`; `<parent>/<id>` around it is ours, and counts what happened inside.
 */
export function openCgroupsV2(): Cgroups {
  enableControllers();
  return {
    open(id, parent) {
      const path = join(parentPath(parent), id);
      const directory = join(root, path);
      mkdirSync(directory, { recursive: true });
      return {
        runtimePath: join(path, "run"),
        join: [],
        oomKills: () => counter(join(directory, "memory.events"), "oom_kill"),
        remove: async () => {
          await removeCgroup(join(directory, "run"));
          await removeCgroup(directory);
        },
      };
    },
    [Symbol.dispose]: () => {
      try {
        rmdirSync(join(root, defaultParent));
      } catch (error) {
        if (!isSystemError(error, "EBUSY", "ENOENT", "ENOTEMPTY")) throw error;
      }
    },
  };
}

/**
 * Lets the root hand its controllers down. Inside of another container the root is not the machine's, and may do so only while no process is in it;
 * then those in it move to a leaf of their own, as BuildKit's and Docker's images do it too.
 */
function enableControllers(): void {
  const words = (file: string) => readFileSync(join(root, file), "utf8").split(/\s+/);
  const enabled = words("cgroup.subtree_control");
  const missing = words("cgroup.controllers").filter(
    (name) => wantedControllers.includes(name) && !enabled.includes(name),
  );
  if (missing.length === 0) return;
  const enable = () => writeFileSync(join(root, "cgroup.subtree_control"), missing.map((name) => `+${name}`).join(" "));
  try {
    enable();
  } catch (error) {
    if (!isSystemError(error, "EBUSY")) throw error;
    moveProcesses(join(root, "init"));
    enable();
  }
}

function moveProcesses(to: string): void {
  if (!existsSync(to)) mkdirSync(to);
  for (const pid of readFileSync(join(root, "cgroup.procs"), "utf8").split("\n").filter(Boolean)) {
    try {
      writeFileSync(join(to, "cgroup.procs"), pid);
    } catch (error) {
      if (!isSystemError(error, "ESRCH", "EINVAL")) throw error; // ended meanwhile, or a thread of the kernel
    }
  }
}
