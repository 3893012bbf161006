import { runtimeResources } from "../cgroups/mod.ts";
import type { ContainedProcess, ProcessSpec, ResourceLimits } from "../executor.ts";
import type { ProcessUser } from "../rootfs/users.ts";
import type { SeccompFilter } from "../seccomp/mod.ts";
import { defaultCapabilities } from "./capabilities.ts";
import type { DeviceConfig } from "./device-edits.ts";
import { allDevices, insecureDevices, noDevices } from "./devices.ts";
import { completeEnvironment } from "./environment.ts";
import { type RuntimeLimit } from "./limits.ts";
import { fileMount, parentsFirst, requestedMounts, type RuntimeMount, systemMounts } from "./mounts.ts";

/** Everything besides the request that decides how the process is confined. */
export interface ConfigInputs {
  readonly process: ProcessSpec;
  readonly user: ProcessUser;
  readonly limits: readonly RuntimeLimit[];
  /** The devices that it was given, and all that goes with them. */
  readonly deviceConfig: DeviceConfig;
  /** Files of the engine shown as /etc/resolv.conf and /etc/hosts. */
  readonly resolvConf: string;
  readonly hosts: string;
  readonly seccomp: SeccompFilter | undefined;
  /** Capabilities of the engine itself: what an insecure process gets. */
  readonly allCapabilities: readonly string[];
  /** Below the machine's cgroup root; `undefined`: no cgroup of its own. */
  readonly cgroupsPath: string | undefined;
  /** Limits that the runtime is to set. */
  readonly resources: ResourceLimits | undefined;
  /** Whether the cgroup keeps the process from opening device nodes that it has made. */
  readonly guardsDevices: boolean;
  /** Whether the first process gets a terminal. */
  readonly terminal: boolean;
  /** Joined for the emulators that are registered in it. */
  readonly userNamespace: string | undefined;
  /** A network of the process's own, to be joined. */
  readonly networkNamespace: string | undefined;
}

export const defaultHostname = "buildkitsandbox";

const maskedPaths = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** Ids in the namespace are the machine's ids: it is there for the emulators alone. */
const sameIds = [{ containerID: 0, hostID: 0, size: 4_294_967_295 }];

/** All mounts of a process in the order in which they are made. Every destination must exist in the root by then. */
export function configMounts(inputs: ConfigInputs): readonly RuntimeMount[] {
  const { process, userNamespace, cgroupsPath, resolvConf, hosts, deviceConfig } = inputs;
  const given = new Set(deviceConfig.mounts.map(({ destination }) => destination));
  const system = [
    ...systemMounts({
      shmSizeBytes: process.shmSizeBytes,
      insecure: process.security === "insecure",
      bindSys: userNamespace !== undefined,
      cgroupMount: cgroupsPath !== undefined,
    }),
    fileMount("/etc/resolv.conf", resolvConf),
    fileMount("/etc/hosts", hosts),
  ];
  return [
    ...system.filter(({ destination }) => !given.has(destination)),
    ...parentsFirst([
      ...requestedMounts(process).filter(({ destination }) => !given.has(destination)),
      ...deviceConfig.mounts,
    ]),
  ];
}

/** The `config.json` of an OCI bundle. */
export function runtimeConfig(inputs: ConfigInputs): object {
  const { process, seccomp, cgroupsPath, userNamespace, deviceConfig } = inputs;
  const insecure = process.security === "insecure";
  return {
    ociVersion: "1.0.2",
    hostname: process.hostname || defaultHostname,
    root: { path: process.rootfs, readonly: process.readonlyRootfs ?? false },
    process: processConfig({ ...inputs, user: withGroups(inputs) }, { terminal: inputs.terminal }),
    mounts: configMounts(inputs),
    ...(Object.keys(deviceConfig.hooks).length > 0 && { hooks: deviceConfig.hooks }),
    annotations: seccomp && !insecure ? { "run.oci.seccomp_bpf_data": seccomp.program } : {},
    linux: {
      namespaces: namespaces(inputs),
      // Runtimes want to be told the mappings, although the namespace that they join has them already.
      ...(userNamespace ? { uidMappings: sameIds, gidMappings: sameIds } : {}),
      ...(cgroupsPath === undefined ? {} : { cgroupsPath }),
      devices: [
        ...(insecure && !userNamespace ? insecureDevices : []).filter(
          ({ path }) => !deviceConfig.devices.some((device) => device.path === path),
        ),
        ...deviceConfig.devices,
      ],
      resources: {
        ...(inputs.guardsDevices ? { devices: insecure ? allDevices : [...noDevices, ...deviceConfig.rules] } : {}),
        ...(inputs.resources ? runtimeResources(inputs.resources) : {}),
      },
      ...(deviceConfig.intelRdt && { intelRdt: deviceConfig.intelRdt }),
      // Runtimes that do not know the annotation above compile this instead, which takes them longer and means the same.
      ...(seccomp && !insecure ? { seccomp: seccomp.profile } : {}),
      maskedPaths: insecure ? [] : maskedPaths,
      readonlyPaths: insecure ? [] : readonlyPaths,
    },
  };
}

/** One process as a runtime wants it described: part of a bundle, or by itself for a container that runs. */
export function processConfig(
  inputs: Pick<ConfigInputs, "user" | "limits" | "allCapabilities" | "guardsDevices"> & {
    readonly process: ContainedProcess;
  },
  options: { readonly terminal: boolean },
): object {
  const { process, user } = inputs;
  const capabilities =
    process.security === "insecure"
      ? inputs.allCapabilities
      : // What may be opened must not be made.
        defaultCapabilities.filter((name) => inputs.guardsDevices || name !== "CAP_MKNOD");
  return {
    terminal: options.terminal,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids, umask: 0o022 },
    args: process.args,
    env: completeEnvironment(process.env, user.home),
    cwd: process.cwd,
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    rlimits: inputs.limits,
    noNewPrivileges: false,
  };
}

function withGroups({ user, deviceConfig }: ConfigInputs): ProcessUser {
  return { ...user, additionalGids: [...new Set([...user.additionalGids, ...deviceConfig.additionalGids])] };
}

function namespaces({ process, cgroupsPath, userNamespace, networkNamespace }: ConfigInputs): object[] {
  return [
    { type: "pid" },
    { type: "ipc" },
    { type: "uts" },
    { type: "mount" },
    cgroupsPath === undefined ? [] : { type: "cgroup" },
    process.network === "none" ? { type: "network" } : [],
    networkNamespace === undefined ? [] : { type: "network", path: networkNamespace },
    userNamespace ? { type: "user", path: userNamespace } : [],
  ].flat();
}
