import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { bindMount, mountTmpfs, unmount } from "../../../base/sys/mod.ts";
import { type Cgroups, type ContainerCgroup, defaultParent, parentPath, slotPrefix } from "./cgroups.ts";
import { counter, removeCgroup, removeParent } from "./directory.ts";
import { CgroupSlots } from "./slots.ts";

const root = "/sys/fs/cgroup";

/** What crun must see: devices guards device nodes, the other two are how it kills. Each one costs it 0.4 ms. */
const forCrun = ["devices", "freezer", "pids"];

/**
 * Cgroups of version 1: a directory tree per controller.
 *
 * crun refuses machines that have a version 2 tree with controllers beside those ("hybrid"). So in the engine's own mount namespace it sees another
 * /sys/fs/cgroup, with nothing but the trees that it needs; the real one stays reachable at `stash`. Memory is not among them: the runtime
 * would remove the cgroup with its counters at once, so the container is put into a memory cgroup of ours instead, which outlives it.
 *
 * runc (`everyTree`) insists on seeing all trees, and can be told to keep the cgroup.
 */
export async function openCgroupsV1(
  stash: string,
  mounts: readonly string[],
  options: { everyTree: boolean },
): Promise<Cgroups> {
  await using undo = new AsyncDisposableStack();
  mkdirSync(stash, { recursive: true });
  bindMount(root, stash);
  undo.defer(() => unmount(stash, { lazy: true }));
  mountTmpfs(root, { mode: 0o755 });
  undo.defer(() => unmount(root, { lazy: true }));
  const trees = [...new Set(mounts.map((mount) => basename(mount)))].filter((name) => existsSync(join(stash, name)));
  const shown = options.everyTree ? trees : trees.filter((tree) => forCrun.includes(tree));
  for (const name of shown) {
    mkdirSync(join(root, name));
    bindMount(join(stash, name), join(root, name));
  }
  const made = new Set<string>();
  undo.defer(() => made.forEach(removeParent));
  const memory = join(stash, "memory", defaultParent);
  const slots = new CgroupSlots(memory, slotPrefix(stash));
  if (trees.includes("memory")) {
    await slots.sweep();
    made.add(memory);
    undo.defer(() => slots.close());
  }
  const owned = undo.move();
  const state = { stash, trees, shown, slots, made };
  return {
    open: (id, parent) => openContainer(state, id, parent),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface State {
  readonly stash: string;
  readonly trees: readonly string[];
  /** Those in which the runtime makes a cgroup itself. */
  readonly shown: readonly string[];
  /** Memory cgroups for containers without a parent of their own. */
  readonly slots: CgroupSlots;
  /** Parents that shall be removed in the end. */
  readonly made: Set<string>;
}

function openContainer(state: State, id: string, parent: string | undefined): ContainerCgroup {
  const { stash, trees, shown, slots, made } = state;
  const path = parentPath(parent);
  for (const tree of shown) {
    const directory = join(stash, tree, path);
    if (!parent || !existsSync(directory)) made.add(directory); // the runtime makes it
  }
  const left = shown.map((tree) => join(stash, tree, path, id));
  const useSlot = !parent && trees.includes("memory") && !shown.includes("memory");
  const slot = useSlot ? slots.take() : undefined;
  const own = parent ? makeIn(state, path, id) : [];
  const counterFile = join(slot ?? join(stash, "memory", path, id), "memory.oom_control");
  const before = counter(counterFile, "oom_kill");
  return {
    runtimePath: join(path, id),
    join: [slot ?? [], own].flat().map((directory) => join(directory, "cgroup.procs")),
    oomKills: () => counter(counterFile, "oom_kill") - before,
    release: async () => {
      await Promise.all([slot === undefined ? undefined : slots.release(slot), ...[...own, ...left].map(removeCgroup)]);
    },
  };
}

/** Makes a cgroup under somebody else's parent, which limits whatever it limits: in every tree in which it exists, and for memory. */
function makeIn({ stash, trees, shown, made }: State, path: string, id: string): readonly string[] {
  const wanted = trees.filter(
    (tree) => !shown.includes(tree) && (tree === "memory" || existsSync(join(stash, tree, path))),
  );
  return wanted.map((tree) => {
    const parent = join(stash, tree, path);
    if (!existsSync(parent)) made.add(parent);
    const directory = join(parent, id);
    mkdirSync(directory, { recursive: true });
    if (tree === "cpuset") inheritCpuset(parent, directory);
    return directory;
  });
}

/** A new cpuset allows nothing, not even to join it. */
function inheritCpuset(parent: string, directory: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"])
    writeFileSync(join(directory, file), readFileSync(join(parent, file)));
}
