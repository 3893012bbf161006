import { BuildError } from "../../base/errors/mod.ts";

/** A setting of buildkitd's about which this engine has no choice. A value that says what it does anyway is fine; any other is refused. */
export interface FixedSetting {
  /** Name of the flag, without dashes. */
  readonly flag: string;
  readonly kind: "bool" | "string";
  /** Path of the key in the file, where there is one. */
  readonly key?: readonly [...tables: string[], key: string];
  /** Values that are fine. */
  readonly fine: readonly string[];
  /** What this engine does, as a sentence's end: "…, because X". */
  readonly because: string;
  /** Values that buildkitd knows; another one gets `unknown` as its message. */
  readonly known?: readonly string[];
  readonly unknown?: (value: string) => string;
}

const noContainerd = "this engine has one worker, the OCI one";
const noProxy = "steps have no proxies put before their networks";
const root = "this engine runs as root";

/** All of them. */
export const fixedSettings: readonly FixedSetting[] = [
  {
    flag: "oci-worker",
    kind: "string",
    key: ["worker", "oci", "enabled"],
    fine: ["true", "auto"],
    because: noContainerd,
  },
  {
    flag: "containerd-worker",
    kind: "string",
    key: ["worker", "containerd", "enabled"],
    fine: ["false", "auto"],
    because: noContainerd,
  },
  {
    flag: "oci-worker-snapshotter",
    kind: "string",
    key: ["worker", "oci", "snapshotter"],
    fine: ["auto", "overlayfs"],
    because: "this engine uses overlayfs",
    known: ["fuse-overlayfs", "native", "stargz"],
    unknown: (value) => `unknown snapshotter name: ${JSON.stringify(value)}`,
  },
  {
    flag: "proxy-network",
    kind: "bool",
    key: ["proxyNetwork"],
    fine: ["false"],
    because: noProxy,
  },
  { flag: "rootless", kind: "bool", fine: ["false"], because: root },
  {
    flag: "oci-worker-rootless",
    kind: "bool",
    key: ["worker", "oci", "rootless"],
    fine: ["false"],
    because: root,
  },
  {
    flag: "oci-worker-no-process-sandbox",
    kind: "bool",
    key: ["worker", "oci", "noProcessSandbox"],
    fine: ["false"],
    because: "steps always have a process namespace of their own",
  },
  {
    flag: "oci-worker-selinux",
    kind: "bool",
    key: ["worker", "oci", "selinux"],
    fine: ["false"],
    because: "this engine sets no SELinux labels",
  },
  {
    flag: "oci-worker-apparmor-profile",
    kind: "string",
    key: ["worker", "oci", "apparmor-profile"],
    fine: [""],
    because: "this engine sets no AppArmor profiles",
  },
  {
    flag: "save-cache-debug",
    kind: "bool",
    fine: ["false"],
    because: "this engine keeps no plain texts of its cache keys",
  },
];

/**
 * Judges a value of a fixed setting.
 * @returns what is wrong with it, as the end of a message; `undefined` when it is fine
 */
export function judgeFixed(setting: FixedSetting, value: string): string | undefined {
  if (setting.fine.includes(value)) return undefined;
  if (setting.unknown && !setting.known?.includes(value)) return setting.unknown(value);
  const fine = setting.fine.map((text) => text || "nothing").join(" or ");
  return `${JSON.stringify(value)} is not supported, because ${setting.because}: want ${fine}`;
}

/** Refuses a flag whose value does not say what this engine does. */
export function checkFixedFlag(setting: FixedSetting, value: string): void {
  const wrong = judgeFixed(setting, value);
  if (wrong !== undefined) throw new BuildError("invalid_argument", `--${setting.flag}: ${wrong}`);
}
