import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeDirectorySync } from "../../../base/files/mod.ts";
import { bindMount, mountTmpfs, unmount } from "../../../base/sys/mod.ts";
import { type Cgroups, type ContainerCgroup, defaultParent, parentPath } from "./cgroups.ts";
import { counter, removeCgroup, removeParent } from "./directory.ts";
import type { ResourceLimits } from "../executor.ts";
import { cannotLimit, treesFor, writeLimits } from "./limits.ts";
import { CgroupSlots } from "./slots.ts";

const root = "/sys/fs/cgroup";

/** What crun must see: devices guards device nodes, the other two are how it kills. Each one costs it 0.4 ms. */
const forCrun = ["devices", "freezer", "pids"];

/** The machine's trees, in our view. */
const machine = join(root, ".machine");

/**
 * Cgroups of version 1: a directory tree per controller.
 *
 * crun refuses machines that have a version 2 tree with controllers beside those ("hybrid"). So in the engine's own mount namespace it sees another
 * /sys/fs/cgroup, with nothing but the trees that it needs; all are still to be found below `.machine`. Memory is not among them: the runtime
 * would remove the cgroup with its counters at once, so the container is put into a memory cgroup of ours instead, which outlives it.
 *
 * runc (`everyTree`) insists on seeing all trees, and can be told to keep the cgroup.
 */
export async function openCgroupsV1(
  stateDirectory: string,
  mounts: readonly string[],
  options: { everyTree: boolean },
): Promise<Cgroups> {
  await using undo = new AsyncDisposableStack();
  const trees = [...new Set(mounts.map((mount) => basename(mount)))].filter((name) => existsSync(join(root, name)));
  const shown = options.everyTree ? trees : trees.filter((tree) => forCrun.includes(tree));
  showTrees(shown, join(stateDirectory, "cgroup"));
  undo.defer(() => unmount(root, { lazy: true }));
  const made = new Set<string>();
  undo.defer(() => made.forEach(removeParent));
  const memory = join(machine, "memory", defaultParent);
  const slots = new CgroupSlots(memory);
  if (trees.includes("memory")) {
    await slots.sweep();
    made.add(memory);
    undo.defer(() => slots.close());
  }
  const owned = undo.move();
  const state = { trees, shown, slots, made };
  return {
    guardsDevices: shown.includes("devices"),
    open: (id, parent, limits) => openContainer(state, id, parent, limits),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Puts the view together at `staging`, out of sight, and then over the real one. */
function showTrees(shown: readonly string[], staging: string): void {
  makeDirectorySync(staging);
  mountTmpfs(staging, { mode: 0o755 });
  try {
    mkdirSync(join(staging, basename(machine)));
    bindMount(root, join(staging, basename(machine)));
    for (const name of shown) {
      mkdirSync(join(staging, name));
      bindMount(join(root, name), join(staging, name));
    }
    bindMount(staging, root);
  } finally {
    unmount(staging, { lazy: true });
  }
}

interface State {
  readonly trees: readonly string[];
  /** Those in which the runtime makes a cgroup itself. */
  readonly shown: readonly string[];
  /** Memory cgroups for containers without a parent of their own. */
  readonly slots: CgroupSlots;
  /** Parents that shall be removed in the end. */
  readonly made: Set<string>;
}

function openContainer(
  state: State,
  id: string,
  parent: string | undefined,
  limits: ResourceLimits | undefined,
): ContainerCgroup {
  const { trees, shown, slots, made } = state;
  const path = parentPath(parent);
  for (const tree of shown) {
    const directory = join(machine, tree, path);
    if (!parent || !existsSync(directory)) made.add(directory); // the runtime makes it
  }
  const left = trees.map((tree) => join(machine, tree, path, id));
  const limited = treesFor(limits ?? {});
  const useSlot = !parent && trees.includes("memory") && !shown.includes("memory") && !limited.includes("memory");
  const slot = useSlot ? slots.take() : undefined;
  const release = async () => {
    await Promise.all([slot === undefined ? undefined : slots.release(slot), ...left.map(removeCgroup)]);
  };
  // A runtime that sees only some of the trees can set limits in none of the others.
  const bySelf = shown.length < trees.length || limited.some((tree) => !trees.includes(tree)) ? limits : undefined;
  let own: readonly string[];
  try {
    own = makeIn(state, path, id, { everywhere: parent !== undefined && parent !== "", limited });
    if (bySelf) writeLimits(bySelf, (tree) => join(machine, tree, path, id));
  } catch (error) {
    void release();
    throw error;
  }
  const counterFile = join(slot ?? join(machine, "memory", path, id), "memory.oom_control");
  const before = counter(counterFile, "oom_kill");
  return {
    runtimePath: join(path, id),
    join: [slot ?? [], own].flat().map((directory) => join(directory, "cgroup.procs")),
    oomKills: () => counter(counterFile, "oom_kill") - before,
    runtimeLimits: bySelf ? undefined : limits,
    release,
  };
}

/**
 * Makes a container's cgroup where the runtime does not: in the trees that keep its limits, and under somebody else's parent (`everywhere`), which
 * limits whatever it limits, in every tree in which that exists, and for memory.
 */
function makeIn(
  { trees, shown, made }: State,
  path: string,
  id: string,
  { everywhere, limited }: { readonly everywhere: boolean; readonly limited: readonly string[] },
): readonly string[] {
  const missing = limited.filter((tree) => !trees.includes(tree));
  if (missing.length > 0) throw cannotLimit(`its cgroups have no controller ${missing.join(", ")}`);
  const wanted = trees.filter(
    (tree) =>
      !shown.includes(tree) &&
      (limited.includes(tree) || (everywhere && (tree === "memory" || existsSync(join(machine, tree, path))))),
  );
  return wanted.map((tree) => {
    const parent = join(machine, tree, path);
    if (!existsSync(parent)) made.add(parent);
    const directory = join(parent, id);
    if (tree === "cpuset") makeCpuset(directory);
    else makeDirectorySync(directory);
    return directory;
  });
}

/** Makes a cpuset, and those above it that are not there. A new one allows nothing, not even to join it, so it gets what is allowed above. */
function makeCpuset(directory: string): void {
  if (existsSync(directory)) return;
  const parent = dirname(directory);
  makeCpuset(parent);
  makeDirectorySync(directory);
  for (const file of ["cpuset.cpus", "cpuset.mems"])
    writeFileSync(join(directory, file), readFileSync(join(parent, file)));
}
