import type { WindowSize } from "../../base/sys/mod.ts";
import type { Platform } from "../../oci/mod.ts";
import type { ContainerEdits } from "../devices/mod.ts";

/** What else the process sees in its root. Applied in order of `target`, parents first. */
export type ExecMount =
  | { readonly type: "bind"; readonly source: string; readonly target: string; readonly readonly: boolean }
  | { readonly type: "tmpfs"; readonly target: string; readonly sizeBytes?: number; readonly mode?: number };

/** One process to run to its end. */
export interface ProcessSpec {
  /** Unique on this machine while it runs. */
  readonly id: string;
  /** A mounted tree, complete and writable (or read-only, see below). The executor adds proc, sys, dev, resolv.conf, hosts. */
  readonly rootfs: string;
  readonly readonlyRootfs?: boolean;
  readonly mounts: readonly ExecMount[];
  readonly args: readonly string[];
  /** `KEY=value`; PATH and HOME are added when missing. */
  readonly env: readonly string[];
  /** Absolute; made when missing. */
  readonly cwd: string;
  /** `name`, `uid`, either with `:group`; empty is root. Names are looked up in the root's own /etc/passwd and /etc/group. */
  readonly user: string;
  readonly platform: Platform;
  readonly hostname?: string;
  readonly extraHosts?: readonly { readonly host: string; readonly ip: string }[];
  readonly network: "sandbox" | "host" | "none";
  readonly security: "sandbox" | "insecure";
  readonly ulimits?: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly cgroupParent?: string;
  /** Directories that had to be made above the place of a mount stay. */
  readonly keepsMountParents?: boolean;
  readonly resources?: ResourceLimits;
  readonly shmSizeBytes?: number;
  /** What gives it devices of the machine. */
  readonly deviceEdits?: ContainerEdits;
}

/** What a container may use; what is missing is not limited. */
export interface ResourceLimits {
  readonly memoryBytes?: number;
  /** Memory and swap together, not without a limit of memory; -1: any swap. */
  readonly memorySwapBytes?: number;
  /** Its weight beside others; they have 1024. */
  readonly cpuShares?: number;
  readonly cpuPeriodUs?: number;
  readonly cpuQuotaUs?: number;
  /** Processors and memory nodes as Linux lists them: `0-3,6`. */
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
}

/** A process's streams. Called in order; a process that writes much faster than the promises resolve is held up. */
export interface ProcessIO {
  stdout(data: Uint8Array): void | Promise<void>;
  stderr(data: Uint8Array): void | Promise<void>;
  /** What the process reads; undefined: nothing. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** The process gets a terminal in place of its three streams; what it shows comes as `stdout`. */
  readonly terminal?: boolean;
  /** Told as soon as there is something that can be spoken to. Without it the process can only be killed. */
  readonly onStarted?: (process: RunningProcess) => void;
}

/** A process that was asked for more than to run to its end. */
export interface RunningProcess {
  /** Sends a signal by its number, as soon as the process is there. Does nothing once it has ended. */
  signal(number: number): Promise<void>;
  /** Tells its terminal the size. Does nothing without a terminal. */
  resize(size: WindowSize): void;
  /** Runs one more process in the same container, until its end or the container's. Rejections and `signal` are as in {@link Executor.run}. */
  exec(process: ContainedProcess, io: ProcessIO, options: { signal: AbortSignal }): Promise<ExitStatus>;
}

/** A process that joins a container: all the rest is as it is there. */
export type ContainedProcess = Pick<ProcessSpec, "args" | "env" | "cwd" | "user" | "security">;

/** How a process ended. `oomKilled`: the kernel's out-of-memory killer struck inside its cgroup. */
export interface ExitStatus {
  readonly code: number;
  readonly oomKilled: boolean;
}

/** Runs processes in root filesystems. */
export interface Executor {
  /**
   * Runs to the end, or kills everything in the container when `signal` aborts (then rejects with its reason). When it settles nothing is left:
   * no process, no mount, no cgroup, no stub that it made in the root; a network of its own is being taken apart.
   * @throws {BuildError} `failed_precondition` before anything runs: naming both platforms and the remedy when the platform cannot run here, and
   * where this machine's cgroups cannot keep a limit
   */
  run(process: ProcessSpec, io: ProcessIO, options: { signal: AbortSignal }): Promise<ExitStatus>;
  /** What can run here, native first; probed again when older than 20 s. */
  platforms(): Promise<readonly RunnablePlatform[]>;
  /** What `sandbox` means for a process's network: the engine's own (`host`), or one that plugins have made for it alone. */
  readonly networkMode: "host" | "cni";
}

export interface RunnablePlatform {
  readonly platform: Platform;
  /** `native`, or through an emulator that the host (`binfmt`) or the engine itself (`private`) registered. */
  readonly how: "native" | "binfmt" | "private";
}
