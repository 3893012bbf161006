/** Which system calls a sandboxed process may make: one table, in the two forms that runtimes take. */
import { compileFilter } from "./compile.ts";
import { runtimeProfile } from "./profile.ts";
import type { SyscallArchitecture } from "./syscall-table.ts";

/** The default filter of this machine, ready for a runtime config. */
export interface SeccompFilter {
  /** The `linux.seccomp` section. */
  readonly profile: object;
  /** The same as a BPF program, base64: what crun takes in the annotation `run.oci.seccomp_bpf_data`. */
  readonly program: string;
}

/**
 * The filter for a host. A container of another architecture is run by an emulator, whose calls are the host's own; so the host's architecture
 * decides, together with the 32-bit one that its kernel runs as well. `undefined`: we have no table for this host.
 */
export function defaultFilter(hostArchitecture: string): SeccompFilter | undefined {
  const list = hosts[hostArchitecture];
  if (!list) return undefined;
  return { profile: runtimeProfile(list), program: Buffer.from(compileFilter(list)).toString("base64") };
}

/** By Node's names. */
const hosts: Readonly<Record<string, readonly SyscallArchitecture[]>> = {
  x64: ["x86_64", "i386"],
  arm64: ["aarch64", "arm"],
};
