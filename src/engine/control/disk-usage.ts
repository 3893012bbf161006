import type { MessageInitShape } from "../../base/protobuf/mod.ts";
import { timestampFromDate } from "../../base/protobuf/mod.ts";
import type { control } from "../../api/mod.ts";
import type { UsageRecord } from "../worker/mod.ts";
import type { EngineDeps } from "./deps.ts";

/** What the engine keeps, of what the request asks for. */
export async function diskUsage(
  request: control.DiskUsageRequest,
  { worker }: EngineDeps,
  { signal }: { signal: AbortSignal },
): Promise<MessageInitShape<typeof control.DiskUsageResponseSchema>> {
  const unusedForMs = milliseconds(request.ageLimit);
  const records = await worker.housekeeping.usage({ filters: request.filter, unusedForMs, signal });
  return { record: records.map(usageMessage) };
}

/** A record as clients see it. */
export function usageMessage(record: UsageRecord): MessageInitShape<typeof control.UsageRecordSchema> {
  return {
    ID: record.id,
    Parents: [...record.parents],
    Mutable: record.isMutable,
    InUse: record.isInUse,
    Shared: record.isShared,
    Size: BigInt(record.bytes),
    CreatedAt: timestampFromDate(record.createdAt),
    ...(record.usedAt ? { LastUsedAt: timestampFromDate(record.usedAt) } : {}),
    UsageCount: BigInt(record.uses),
    Description: record.description,
    RecordType: record.type,
  };
}

/** Nanoseconds of the wire. */
export function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6;
}
