/** A device node in the container. */
export interface DeviceNode {
  readonly path: string;
  /** Which of the machine's nodes it is; `path` when it is not said. */
  readonly hostPath?: string;
  /** `b`lock, `c`haracter (also as `u`), fifo (`p`); what `hostPath` is when it is not said. */
  readonly type?: "b" | "c" | "u" | "p";
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  /** Of `r`, `w` and `m`; all of them when it is not said. */
  readonly permissions?: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** Something of the machine's that is shown in the container. */
export interface DeviceMount {
  readonly hostPath: string;
  readonly containerPath: string;
  /** A bind mount when it is not said. */
  readonly type?: string;
  readonly options: readonly string[];
}

/** Names of the moments at which a runtime runs hooks. */
export const hookNames = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

/** A program that the runtime runs. */
export interface DeviceHook {
  readonly hookName: (typeof hookNames)[number];
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** In seconds. */
  readonly timeout?: number;
}

/** What must be done to a container so that it has a device. */
export interface ContainerEdits {
  /** `KEY=value`, over what is there. */
  readonly env: readonly string[];
  readonly deviceNodes: readonly DeviceNode[];
  readonly mounts: readonly DeviceMount[];
  readonly hooks: readonly DeviceHook[];
  readonly additionalGids: readonly number[];
  /** Handed to the runtime as it is. */
  readonly intelRdt?: Readonly<Record<string, unknown>>;
}

/** One set of edits after the other. */
export function mergeEdits(all: readonly ContainerEdits[]): ContainerEdits {
  const intelRdt = all.findLast((edits) => edits.intelRdt)?.intelRdt;
  return {
    env: all.flatMap(({ env }) => env),
    deviceNodes: all.flatMap(({ deviceNodes }) => deviceNodes),
    mounts: all.flatMap(({ mounts }) => mounts),
    hooks: all.flatMap(({ hooks }) => hooks),
    additionalGids: all.flatMap(({ additionalGids }) => additionalGids),
    ...(intelRdt && { intelRdt }),
  };
}
