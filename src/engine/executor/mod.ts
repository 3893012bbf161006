/**
 * A process in a root filesystem: confined as Docker and BuildKit confine it, for this machine's platform or another one's, and nothing left of it
 * when it has ended. Done with an OCI runtime (crun, or runc), which is told everything in a bundle; what decides lives in small pure modules around that.
 */
export type {
  ContainedProcess,
  ExecMount,
  Executor,
  ExitStatus,
  ProcessIO,
  ProcessSpec,
  ResourceLimits,
  RunnablePlatform,
  RunningProcess,
} from "./executor.ts";
export type { DnsSettings } from "./network-files.ts";
export type { NetworkSettings } from "./networks/mod.ts";
export { type ExecutorOptions, openExecutor } from "./open.ts";
