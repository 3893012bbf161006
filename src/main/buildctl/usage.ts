import type { Timestamp } from "../../base/protobuf/mod.ts";
import { goTime } from "../../cli/table/mod.ts";
import type { UsageRecord } from "../../client/mod.ts";
import { columns, goValue, type GoValue } from "./render.ts";
import { sizeText } from "./sizes.ts";
import { timeText } from "./time-text.ts";

/** Headings of {@link usageRow}. */
export const usageHeader = "ID\tRECLAIMABLE\tSIZE\tLAST ACCESSED\n";

/** A record in one line, cells apart by tabs. */
export function usageRow({ ID, Mutable, InUse, Size, Shared }: UsageRecord): string {
  const id = ID + (Mutable ? "*" : "");
  return `${id.padEnd(71)}\t${String(!InUse).padEnd(11)}\t${sizeText(Size, 2)}${Shared ? "*" : ""}\t\n`;
}

/** A record in full, and an empty line. */
export function usageText(record: UsageRecord): string {
  const { RecordType, LastUsedAt, Description } = record;
  const parents = parentsOf(record);
  const lines: readonly (readonly [string, string])[] = [
    ["ID", record.ID],
    ["Parents", parents.join(";")],
    ["Created at", moment(record.CreatedAt)],
    ["Mutable", String(record.Mutable)],
    ["Reclaimable", String(!record.InUse)],
    ["Shared", String(record.Shared)],
    ["Size", sizeText(record.Size, 2)],
    ["Description", Description],
    ["Usage count", String(record.UsageCount)],
    ["Last used", LastUsedAt ? moment(LastUsedAt) : ""],
    ["Type", RecordType],
  ];
  return columns(`${lines.flatMap(([key, value]) => (value === "" ? [] : `${key}:\t${value}\n`)).join("")}\n`);
}

/** A record as BuildKit's client has it. */
export function usageValue(record: UsageRecord): GoValue {
  const { ID, Mutable, InUse, Shared, Description, RecordType } = record;
  const parents = parentsOf(record);
  const rest = { Size: Number(record.Size), UsageCount: Number(record.UsageCount), Description, RecordType, Shared };
  const times = {
    CreatedAt: timeText(record.CreatedAt) ?? "0001-01-01T00:00:00Z",
    LastUsedAt: timeText(record.LastUsedAt) ?? null,
  };
  return goValue(
    { ID, Mutable, InUse, Parents: parents, ...times, ...rest },
    {
      id: ID,
      mutable: Mutable,
      inUse: InUse,
      size: rest.Size,
      createdAt: times.CreatedAt,
      lastUsedAt: times.LastUsedAt,
      usageCount: rest.UsageCount,
      parents: parents.length > 0 ? parents : null,
      description: Description,
      recordType: RecordType,
      shared: Shared,
    },
  );
}

function moment(time: Timestamp | undefined): string {
  return goTime(new Date(Number(time?.seconds ?? 0n) * 1000), time?.nanos ?? 0);
}

/** Older engines tell of one parent, in a field of its own. */
function parentsOf({ Parents, Parent }: UsageRecord): readonly string[] {
  return Parents.length > 0 || Parent === "" ? Parents : [Parent];
}
