import { hostname } from "node:os";
import type { MessageInitShape } from "../../base/protobuf/mod.ts";
import type { worker } from "../../api/mod.ts";
import type { EngineDeps } from "./deps.ts";
import { buildkitVersion } from "./version.ts";

const labelPrefix = "org.mobyproject.buildkit.worker";

/** The one worker of this engine, as ListWorkers shows it. */
export async function workerRecords(deps: EngineDeps): Promise<MessageInitShape<typeof worker.WorkerRecordSchema>[]> {
  const runnable = await deps.worker.executor.platforms();
  const devices = (await deps.worker.ops.devices?.list()) ?? [];
  return [
    {
      ID: deps.worker.id,
      Labels: {
        [`${labelPrefix}.executor`]: "oci",
        [`${labelPrefix}.hostname`]: hostname(),
        [`${labelPrefix}.network`]: deps.worker.executor.networkMode,
        [`${labelPrefix}.oci.process-mode`]: "sandbox",
        [`${labelPrefix}.selinux.enabled`]: "false",
        [`${labelPrefix}.snapshotter`]: "overlayfs",
        ...deps.labels,
      },
      platforms: runnable.map(({ platform }) => ({
        Architecture: platform.architecture,
        OS: platform.os,
        Variant: platform.variant ?? "",
      })),
      GCPolicy: deps.worker.housekeeping.policy.map((rule) => ({
        all: rule.all,
        filters: [...rule.filters],
        keepDuration: BigInt(rule.keepDurationMs) * 1_000_000n,
        reservedSpace: BigInt(rule.reservedBytes),
        maxUsedSpace: BigInt(rule.maxUsedBytes),
        minFreeSpace: BigInt(rule.minFreeBytes),
      })),
      CDIDevices: devices.map(({ name, autoAllowed, annotations }) => ({
        Name: name,
        AutoAllow: autoAllowed,
        Annotations: { ...annotations },
      })),
      BuildkitVersion: buildkitVersion(deps.version),
    },
  ];
}
