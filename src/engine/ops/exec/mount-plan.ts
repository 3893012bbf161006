import { pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { cleanPath } from "../../../base/text/paths/mod.ts";
import type { CacheSharing } from "./cache-mounts.ts";

/** A tree that the process sees. */
export interface TreeMount {
  readonly type: "tree";
  /** Which mount of the op it is. */
  readonly place: number;
  readonly target: string;
  /** Which input of the op; `undefined`: the empty tree. */
  readonly input: number | undefined;
  /** Inside the tree; `""`: all of it. */
  readonly selector: string;
  readonly readonly: boolean;
  /** What the process leaves there is this output of the op; `undefined`: thrown away. */
  readonly output: number | undefined;
}

/** What a process sees at one place of its root. */
export type MountPlan =
  | TreeMount
  | {
      readonly type: "cache";
      readonly target: string;
      readonly id: string;
      readonly sharing: CacheSharing;
      /** What the cache starts with. */
      readonly input: number | undefined;
      readonly selector: string;
      readonly readonly: boolean;
      readonly output: number | undefined;
    }
  | { readonly type: "tmpfs"; readonly target: string; readonly sizeBytes: number | undefined }
  | {
      readonly type: "secret";
      readonly target: string;
      readonly id: string;
      readonly uid: number;
      readonly gid: number;
      readonly mode: number;
      readonly optional: boolean;
    }
  | {
      /** A socket at which an ssh agent of the client answers. */
      readonly type: "ssh";
      readonly target: string;
      readonly id: string;
      readonly uid: number;
      readonly gid: number;
      readonly mode: number;
      readonly optional: boolean;
    };

/** All mounts of a process. */
export interface MountsPlan {
  readonly root: TreeMount;
  /** The others, parents before what is mounted in them. */
  readonly others: readonly MountPlan[];
  /** How many results there are. */
  readonly outputs: number;
}

/**
 * Sorts out the mounts of an ExecOp.
 * @throws {BuildError} `invalid_argument` when they make no sense
 */
export function planMounts(op: pb.ExecOp): MountsPlan {
  const { root, ...plan } = planAnyMounts(op);
  if (!root) throw new BuildError("invalid_argument", "invalid exec op with no rootfs");
  return { root, ...plan };
}

/** As {@link planMounts}, where the root may be missing since no process may ever run. */
export function planAnyMounts(op: pb.ExecOp): Omit<MountsPlan, "root"> & { readonly root: TreeMount | undefined } {
  const cwd = op.meta?.cwd || "/";
  let outputs = 0;
  // Results come in the order of the mounts that have one; how clients number them says no more.
  const planned = op.mounts.map((mount, place): MountPlan => {
    const plan = planMount(mount, place, cwd);
    return "output" in plan && plan.output !== undefined ? { ...plan, output: outputs++ } : plan;
  });
  const root = planned.find((mount) => mount.target === "/");
  if (root && root.type !== "tree") {
    throw new BuildError("invalid_argument", `invalid mount type ${root.type.toUpperCase()} for /`);
  }
  const others = planned.filter((mount) => mount !== root).sort((a, b) => depth(a.target) - depth(b.target));
  return { root, others, outputs };
}

function planMount(mount: pb.Mount, place: number, cwd: string): MountPlan {
  const target = cleanPath(mount.dest.startsWith("/") ? mount.dest : `${cwd}/${mount.dest}`);
  const input = mount.input < 0n ? undefined : Number(mount.input);
  const selector = cleanPath(`/${mount.selector}`).slice(1);
  const output = mount.output < 0n ? undefined : Number(mount.output);
  switch (mount.mountType) {
    case pb.MountType.BIND:
      return { type: "tree", place, target, input, selector, readonly: mount.readonly, output };
    case pb.MountType.CACHE: {
      if (!mount.cacheOpt) throw new BuildError("invalid_argument", "missing cache mount options");
      const id = mount.cacheOpt.ID || target;
      const sharing = sharings[mount.cacheOpt.sharing];
      // Clients that know no output leave 0 there, although that is the root's: only a cache with a seed can have one.
      const own = input === undefined ? undefined : output;
      if (!sharing) {
        throw new BuildError("invalid_argument", `invalid cache sharing option: ${String(mount.cacheOpt.sharing)}`);
      }
      return { type: "cache", target, id, sharing, input, selector, readonly: mount.readonly, output: own };
    }
    case pb.MountType.TMPFS: {
      const size = Number(mount.TmpfsOpt?.size ?? 0n);
      return { type: "tmpfs", target, sizeBytes: size > 0 ? size : undefined };
    }
    case pb.MountType.SECRET: {
      if (!mount.secretOpt) throw new BuildError("invalid_argument", "invalid secret mount options");
      const { ID: id, uid, gid, mode, optional } = mount.secretOpt;
      if (id === "") throw new BuildError("invalid_argument", "secret ID missing from mount options");
      return { type: "secret", target, id, uid, gid, mode: mode & 0o777, optional };
    }
    case pb.MountType.SSH: {
      const { ID: id = "", uid = 0, gid = 0, mode = 0o600, optional = false } = mount.SSHOpt ?? {};
      return { type: "ssh", target, id, uid, gid, mode: mode & 0o777, optional };
    }
    default:
      throw new BuildError("invalid_argument", `unknown mount type ${String(mount.mountType)} of "${target}"`);
  }
}

const sharings: Readonly<Record<number, CacheSharing>> = {
  [pb.CacheSharingOpt.SHARED]: "shared",
  [pb.CacheSharingOpt.PRIVATE]: "private",
  [pb.CacheSharingOpt.LOCKED]: "locked",
};

function depth(path: string): number {
  return path.split("/").length;
}
