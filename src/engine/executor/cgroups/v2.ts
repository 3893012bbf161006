import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectorySync } from "../../../base/files/mod.ts";
import { isSystemError } from "../../../base/sys/mod.ts";
import { type Cgroups, type ContainerCgroup, defaultParent, parentPath } from "./cgroups.ts";
import { counter, removeCgroup, removeParent } from "./directory.ts";
import type { ResourceLimits } from "../executor.ts";
import { cannotLimit, treesFor } from "./limits.ts";
import { CgroupSlots } from "./slots.ts";

const root = "/sys/fs/cgroup";
const wantedControllers = ["cpu", "cpuset", "memory", "pids"];

/**
 * Cgroups of version 2: one tree. The runtime makes and removes a cgroup of its own inside of one of ours, which counts what happened inside and
 * outlives it.
 */
export async function openCgroupsV2(): Promise<Cgroups> {
  enableControllers();
  const slots = new CgroupSlots(join(root, defaultParent));
  await slots.sweep();
  return {
    guardsDevices: mayLockMemory(),
    open: (id, parent, limits) => openContainer(slots, id, parent, limits),
    [Symbol.asyncDispose]: async () => {
      await slots.close();
      removeParent(join(root, defaultParent));
    },
  };
}

function openContainer(
  slots: CgroupSlots,
  id: string,
  parent: string | undefined,
  limits: ResourceLimits | undefined,
): ContainerCgroup {
  if (limits) checkControllers(limits);
  const directory = parent ? join(root, parentPath(parent), id) : slots.take();
  if (parent) makeDirectorySync(directory);
  const runtimeDirectory = join(directory, id);
  const counterFile = join(directory, "memory.events");
  const before = counter(counterFile, "oom_kill");
  return {
    runtimePath: runtimeDirectory.slice(root.length),
    join: [],
    runtimeLimits: limits,
    oomKills: () => counter(counterFile, "oom_kill") - before,
    release: async () => {
      await removeCgroup(runtimeDirectory);
      await (parent ? removeCgroup(directory) : slots.release(directory));
    },
  };
}

/** Whether the root hands down what the limits need; below it the runtime does. The controllers have the names that they have in version 1. */
function checkControllers(limits: ResourceLimits): void {
  const enabled = readFileSync(join(root, "cgroup.subtree_control"), "utf8").split(/\s+/);
  const missing = treesFor(limits).filter((controller) => !enabled.includes(controller));
  if (missing.length > 0) throw cannotLimit(`its cgroups have no controller ${missing.join(", ")} for the engine`);
}

const CAP_SYS_RESOURCE = 24n;

/** Devices are guarded by BPF programs, for which runtimes first lift the limit of locked memory. */
function mayLockMemory(): boolean {
  const capabilities = /^CapEff:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  if ((BigInt(`0x${capabilities}`) >> CAP_SYS_RESOURCE) & 1n) return true;
  return /^Max locked memory\s+unlimited/m.test(readFileSync("/proc/self/limits", "utf8"));
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
