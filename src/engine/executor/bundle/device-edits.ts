import { lstatSync, type Stats } from "node:fs";
import { posix } from "node:path";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import type { ContainerEdits, DeviceMount, DeviceNode } from "../../devices/mod.ts";
import type { ProcessUser } from "../rootfs/users.ts";
import type { RuntimeDevice } from "./devices.ts";
import type { RuntimeMount } from "./mounts.ts";

/** An entry of `linux.resources.devices`. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly access: string;
}

/** What devices come to in a runtime config. */
export interface DeviceConfig {
  readonly devices: readonly RuntimeDevice[];
  /** What may be opened, or made, beside what always may. */
  readonly rules: readonly DeviceRule[];
  readonly mounts: readonly RuntimeMount[];
  readonly additionalGids: readonly number[];
  readonly hooks: Readonly<Record<string, readonly object[]>>;
  readonly intelRdt?: Readonly<Record<string, unknown>>;
}

/**
 * Makes a runtime's config of what devices need. Nodes that are not fully described are looked up on the machine.
 * @param showNodes nodes cannot be made in the container, so the machine's are shown in it
 * @throws {BuildError} `failed_precondition` when the machine does not have a node
 */
export function deviceConfig(
  edits: ContainerEdits | undefined,
  { user, showNodes }: { readonly user: ProcessUser; readonly showNodes: boolean },
): DeviceConfig {
  const nodes = (edits?.deviceNodes ?? []).map((node) => completeNode(node, user));
  // What is made outside of /dev would stay in the image.
  const isShown = ({ path }: RuntimeDevice) => showNodes || !path.startsWith("/dev/");
  const missing = nodes.find(({ device, isThere }) => isShown(device) && !isThere);
  if (missing) {
    throw failed(
      `failed to stat CDI host device ${JSON.stringify(missing.hostPath)}: not a device node, and it cannot be made where the container would have it`,
    );
  }
  const hooks: Record<string, object[]> = {};
  for (const { hookName, ...hook } of edits?.hooks ?? []) (hooks[hookName] ??= []).push(hook);
  return {
    devices: nodes.map(({ device }) => device).filter((device) => !isShown(device)),
    rules: nodes
      .filter(({ device }) => device.type === "b" || device.type === "c")
      .map(({ device: { type, major, minor }, access }) => ({ allow: true, type, major, minor, access })),
    mounts: [
      ...nodes
        .filter(({ device }) => isShown(device))
        .map(({ device: { path }, hostPath }) => bind(hostPath, path, ["nosuid", "noexec"])),
      ...(edits?.mounts ?? []).map(deviceMount),
    ],
    additionalGids: (edits?.additionalGids ?? []).filter((gid) => gid !== 0),
    hooks,
    ...(edits?.intelRdt && { intelRdt: edits.intelRdt }),
  };
}

/** A process's variables with those of its devices, which win. */
export function withDeviceVariables(env: readonly string[], edits: ContainerEdits | undefined): readonly string[] {
  const added = edits?.env ?? [];
  const name = (variable: string) => variable.slice(0, variable.indexOf("=") + 1);
  const names = new Set(added.map(name));
  return [...env.filter((variable) => !names.has(name(variable))), ...added];
}

interface CompleteNode {
  readonly device: RuntimeDevice;
  readonly hostPath: string;
  /** Whether the machine has it. */
  readonly isThere: boolean;
  readonly access: string;
}

function completeNode(node: DeviceNode, user: ProcessUser): CompleteNode {
  const path = posix.normalize(node.path);
  const hostPath = node.hostPath ?? node.path;
  const isDescribed = node.type === "p" || (node.type !== undefined && node.major !== undefined && node.major > 0);
  const found = look(hostPath, { optional: isDescribed });
  const type = (node.type === "u" ? "c" : node.type) ?? found?.type ?? "c";
  if (!isDescribed && found && type !== found.type) {
    throw failed(
      `CDI device (${JSON.stringify(path)}, ${JSON.stringify(hostPath)}), host type mismatch (${type}, ${found.type})`,
    );
  }
  const numbers = isDescribed
    ? node
    : { major: node.major || found?.major, minor: node.major ? node.minor : found?.minor };
  const fileMode = node.fileMode ?? found?.mode;
  const uid = node.uid ?? (user.uid || undefined);
  const gid = node.gid ?? (user.gid || undefined);
  return {
    hostPath,
    isThere: found !== undefined,
    access: node.permissions ?? "rwm",
    device: {
      path,
      type,
      major: numbers.major ?? 0,
      minor: numbers.minor ?? 0,
      ...(fileMode !== undefined && { fileMode }),
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
    },
  };
}

interface FoundNode {
  readonly type: "b" | "c" | "p";
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
}

function look(path: string, { optional }: { readonly optional: boolean }): FoundNode | undefined {
  let stat: Stats;
  try {
    stat = lstatSync(path);
  } catch (cause) {
    if (optional) return undefined;
    throw failed(`failed to stat CDI host device ${JSON.stringify(path)}: ${messageOf(cause)}`, cause);
  }
  const type = stat.isBlockDevice() ? "b" : stat.isCharacterDevice() ? "c" : stat.isFIFO() ? "p" : undefined;
  if (type === undefined) {
    if (optional) return undefined;
    throw failed(`failed to stat CDI host device ${JSON.stringify(path)}: not a device node`);
  }
  // As the C library packs it.
  const number = BigInt(stat.rdev);
  return {
    type,
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n)),
    minor: Number((number & 0xffn) | ((number >> 12n) & 0xffffff00n)),
    mode: stat.mode & 0o7777,
  };
}

function deviceMount({ hostPath, containerPath, type = "bind", options }: DeviceMount): RuntimeMount {
  const destination = posix.normalize(containerPath);
  return type === "bind" ? bind(hostPath, destination, options) : { destination, type, source: hostPath, options };
}

function bind(source: string, destination: string, options: readonly string[]): RuntimeMount {
  const isBind = options.some((option) => option === "bind" || option === "rbind");
  return { destination, type: "bind", source, options: isBind ? options : ["rbind", ...options] };
}

function failed(message: string, cause?: unknown): BuildError {
  return new BuildError("failed_precondition", message, { cause });
}
