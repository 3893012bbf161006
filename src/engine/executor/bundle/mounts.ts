import { posix } from "node:path";
import type { ExecMount, ProcessSpec } from "../executor.ts";

/** An entry of `mounts` in a runtime config. */
export interface RuntimeMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** What decides how the kernel's own file systems are shown. */
export interface SystemMountOptions {
  readonly shmSizeBytes: number | undefined;
  /** Nothing is masked or read-only. */
  readonly insecure: boolean;
  /** The process is in a user namespace that does not own its network: the kernel then refuses a new sysfs, and the machine's is shown. */
  readonly bindSys: boolean;
  readonly cgroupMount: boolean;
}

const defaultShmBytes = 64 << 20;

/** proc, dev and sys, as with Docker and BuildKit. */
export function systemMounts(options: SystemMountOptions): readonly RuntimeMount[] {
  const { insecure, bindSys } = options;
  const writable = insecure ? "rw" : "ro";
  const shm = options.shmSizeBytes || defaultShmBytes;
  const hidden = ["nosuid", "noexec", "nodev"];
  return [
    mount("/proc", "proc", "proc", hidden),
    mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    mount("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
    mount("/dev/shm", "tmpfs", "shm", [...hidden, "mode=1777", `size=${shm}`]),
    mount("/dev/mqueue", "mqueue", "mqueue", hidden),
    bindSys
      ? mount("/sys", "bind", "/sys", ["rbind", ...hidden, insecure ? "rw" : "rro"])
      : mount("/sys", "sysfs", "sysfs", [...hidden, writable]),
    options.cgroupMount ? [mount("/sys/fs/cgroup", "cgroup", "cgroup", [...hidden, writable])] : [],
  ].flat();
}

/** The mounts that the process asked for. */
export function requestedMounts(process: Pick<ProcessSpec, "mounts" | "cwd">): readonly RuntimeMount[] {
  return process.mounts
    .map((requested) => ({ ...requested, target: absolute(requested.target, process.cwd) }))
    .map(requestedMount);
}

/** Mounts in an order in which none hides another one: parents before what is inside of them. */
export function parentsFirst(mounts: readonly RuntimeMount[]): readonly RuntimeMount[] {
  return mounts.toSorted((a, b) => depth(a.destination) - depth(b.destination));
}

function requestedMount(requested: ExecMount): RuntimeMount {
  const { target } = requested;
  switch (requested.type) {
    case "bind":
      return mount(target, "bind", requested.source, ["rbind", requested.readonly ? "ro" : "rw"]);
    case "tmpfs": {
      const { sizeBytes, mode } = requested;
      const size = sizeBytes ? [`size=${sizeBytes}`] : [];
      return mount(target, "tmpfs", "tmpfs", ["nosuid", `mode=${(mode ?? 0o1777).toString(8)}`, ...size]);
    }
  }
}

/** A read-only view of one of the engine's own files. */
export function fileMount(destination: string, source: string): RuntimeMount {
  return mount(destination, "bind", source, ["rbind", "ro", "nosuid", "noexec", "nodev"]);
}

function mount(destination: string, type: string, source: string, options: readonly string[]): RuntimeMount {
  return { destination, type, source, options };
}

function absolute(target: string, cwd: string): string {
  const path = posix.resolve("/", cwd, target);
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

function depth(path: string): number {
  return path === "/" ? 0 : path.split("/").length;
}
