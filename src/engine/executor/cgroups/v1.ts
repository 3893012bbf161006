import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { bindMount, isSystemError, mountTmpfs, unmount } from "../../../base/sys/mod.ts";
import { type Cgroups, type ContainerCgroup, parentPath } from "./cgroups.ts";
import { counter, removeCgroup } from "./directory.ts";

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
export function openCgroupsV1(stash: string, mounts: readonly string[], options: { everyTree: boolean }): Cgroups {
  using undo = new DisposableStack();
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
  undo.defer(() => removeParents(made));
  const owned = undo.move();
  return {
    open: (id, parent) => openContainer({ stash, trees, shown, made }, id, parent),
    [Symbol.dispose]: () => owned.dispose(),
  };
}

interface State {
  readonly stash: string;
  readonly trees: readonly string[];
  /** Those in which the runtime makes a cgroup itself. */
  readonly shown: readonly string[];
  /** Directories of ours that stay while the engine runs. */
  readonly made: Set<string>;
}

function openContainer({ stash, trees, shown, made }: State, id: string, parent: string | undefined): ContainerCgroup {
  const path = parentPath(parent);
  // Somebody else's parent limits whatever it limits: the container goes into every tree in which it exists.
  const wanted = trees.filter(
    (tree) => !shown.includes(tree) && (tree === "memory" || (parent && existsSync(join(stash, tree, path)))),
  );
  const directories = wanted.map((tree) => {
    const parentDirectory = join(stash, tree, path);
    const directory = join(parentDirectory, id);
    if (!parent || !existsSync(parentDirectory)) made.add(parentDirectory);
    mkdirSync(directory, { recursive: true });
    if (tree === "cpuset") inheritCpuset(parentDirectory, directory);
    return directory;
  });
  for (const tree of shown) {
    const parentDirectory = join(stash, tree, path);
    if (!parent || !existsSync(parentDirectory)) made.add(parentDirectory); // the runtime makes it
  }
  return {
    runtimePath: join(path, id),
    join: directories.map((directory) => join(directory, "cgroup.procs")),
    oomKills: () => counter(join(stash, "memory", path, id, "memory.oom_control"), "oom_kill"),
    remove: async () => {
      const left = shown.map((tree) => join(stash, tree, path, id));
      await Promise.all([...directories, ...left].map(removeCgroup));
    },
  };
}

/** A new cpuset allows nothing, not even to join it. */
function inheritCpuset(parent: string, directory: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"])
    writeFileSync(join(directory, file), readFileSync(join(parent, file)));
}

/** Takes our own parents away at the end; another engine may still use them. */
function removeParents(made: ReadonlySet<string>): void {
  for (const directory of made) {
    try {
      rmdirSync(directory);
    } catch (error) {
      if (!isSystemError(error, "EBUSY", "ENOENT", "ENOTEMPTY")) throw error;
    }
  }
}
