import type { ResourceLimits } from "../executor.ts";

/** Where one container is accounted for. */
export interface ContainerCgroup {
  /** For the runtime config: where the runtime makes its own cgroup, below the machine's cgroup root. */
  readonly runtimePath: string;
  /** `cgroup.procs` files that the runtime must be put into before it starts anything. */
  readonly join: readonly string[];
  /** Limits that are left to the runtime to set. */
  readonly runtimeLimits: ResourceLimits | undefined;
  /** How often the kernel's out-of-memory killer has struck in it since it was opened. */
  oomKills(): number;
  /** Kills what is still in it and gives it back. */
  release(): Promise<void>;
}

/** The machine's cgroups, prepared for containers. */
export interface Cgroups extends AsyncDisposable {
  /** Whether a cgroup keeps a process from opening device nodes that it has made. */
  readonly guardsDevices: boolean;
  /**
   * Makes room for a container below `parent` (a path; a slice of systemd; empty: our own).
   * @throws {BuildError} `failed_precondition` for limits that cannot be kept here
   */
  open(id: string, parent: string | undefined, limits?: ResourceLimits): ContainerCgroup;
}

/** The parent of containers that name none. */
export const defaultParent = "/polyarch";

/** A cgroup parent as a path: `a-b.slice` stands for `/a.slice/a-b.slice`, as systemd nests slices. */
export function parentPath(parent: string | undefined): string {
  if (!parent) return defaultParent;
  const slice = /^([^/:]+)\.slice:?$/.exec(parent)?.[1];
  if (slice === undefined) {
    const names = parent.split("/").filter((name) => name !== "" && name !== "." && name !== "..");
    return `/${names.join("/")}`;
  }
  const parts = slice.split("-");
  return `/${parts.map((_, index) => `${parts.slice(0, index + 1).join("-")}.slice`).join("/")}`;
}
