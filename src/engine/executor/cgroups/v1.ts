import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { bindMount, isSystemError, mountTmpfs, unmount } from "../../../base/sys/mod.ts";
import { type Cgroups, type ContainerCgroup, parentPath } from "./cgroups.ts";
import { counter, removeCgroup } from "./directory.ts";

const root = "/sys/fs/cgroup";

/** What a runtime must see: devices guards device nodes, the other two are how it kills. Each one costs it 0.4 ms. */
const forRuntime = ["devices", "freezer", "pids"];

/**
 * Cgroups of version 1: a directory tree per controller.
 *
 * crun refuses machines that have a version 2 tree with controllers beside those ("hybrid"). So in the engine's own mount namespace it sees another
 * /sys/fs/cgroup, with nothing but the trees that it needs; the real one stays reachable at `stash`. Memory is not among them: the runtime
 * would remove the cgroup with its counters at once, so the container is put into a memory cgroup of ours instead, which outlives it.
 */
export function openCgroupsV1(stash: string, mounts: readonly string[]): Cgroups {
  using undo = new DisposableStack();
  mkdirSync(stash, { recursive: true });
  bindMount(root, stash);
  undo.defer(() => unmount(stash, { lazy: true }));
  mountTmpfs(root, { mode: 0o755 });
  undo.defer(() => unmount(root, { lazy: true }));
  const trees = mounts.filter((mount) => existsSync(join(stash, basename(mount)))).map((mount) => basename(mount));
  for (const name of trees.filter((tree) => forRuntime.includes(tree))) {
    mkdirSync(join(root, name));
    bindMount(join(stash, name), join(root, name));
  }
  const made = new Set<string>();
  undo.defer(() => removeParents(made));
  const owned = undo.move();
  return {
    open: (id, parent) => openContainer({ stash, trees, made }, id, parent),
    [Symbol.dispose]: () => owned.dispose(),
  };
}

interface State {
  readonly stash: string;
  readonly trees: readonly string[];
  /** Directories of ours that stay while the engine runs. */
  readonly made: Set<string>;
}

function openContainer({ stash, trees, made }: State, id: string, parent: string | undefined): ContainerCgroup {
  const path = parentPath(parent);
  // Somebody else's parent limits whatever it limits: the container goes into every tree in which it exists.
  const wanted = trees.filter(
    (tree) => !forRuntime.includes(tree) && (tree === "memory" || (parent && existsSync(join(stash, tree, path)))),
  );
  const directories = wanted.map((tree) => {
    const parentDirectory = join(stash, tree, path);
    if (!existsSync(parentDirectory)) {
      mkdirSync(parentDirectory, { recursive: true });
      made.add(parentDirectory);
    }
    const directory = join(parentDirectory, id);
    mkdirSync(directory, { recursive: true });
    if (tree === "cpuset") inheritCpuset(parentDirectory, directory);
    return directory;
  });
  for (const tree of forRuntime) {
    const own = join(stash, tree, path);
    if (!existsSync(own)) made.add(own); // the runtime makes it
  }
  const counters = directories.find((directory) => directory.startsWith(join(stash, "memory")));
  return {
    runtimePath: join(path, id),
    join: directories.map((directory) => join(directory, "cgroup.procs")),
    oomKills: () => (counters === undefined ? 0 : counter(join(counters, "memory.oom_control"), "oom_kill")),
    remove: async () => {
      const left = forRuntime.filter((tree) => trees.includes(tree)).map((tree) => join(stash, tree, path, id));
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
