import type { MessageInitShape } from "../../base/protobuf/mod.ts";
import type { control } from "../../api/mod.ts";
import type { EngineDeps } from "./deps.ts";
import { milliseconds, usageMessage } from "./disk-usage.ts";

/** Removes what the request lets go, and tells each record as it goes. */
export async function* prune(
  request: control.PruneRequest,
  { worker }: EngineDeps,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<MessageInitShape<typeof control.UsageRecordSchema>> {
  const rule = {
    all: request.all,
    filters: request.filter,
    keepDurationMs: milliseconds(request.keepDuration),
    reservedBytes: Number(request.reservedSpace),
    maxUsedBytes: Number(request.maxUsedSpace),
    minFreeBytes: Number(request.minFreeSpace),
  };
  for await (const record of worker.housekeeping.prune(rule, { signal })) yield usageMessage(record);
}
