import type { UsageRecord } from "../../client/mod.ts";
import { alignTabs, goTime, humanDuration, humanSize, type Row } from "../table/mod.ts";

/** A record's fields as templates name them. `marks`: with the stars that tables have. */
export function cacheRow(record: UsageRecord, now: Date, options: { readonly marks: boolean }): Row {
  const star = (is: boolean) => (options.marks && is ? "*" : "");
  const parents = parentsOf(record);
  const row = {
    CreatedAt: timeText(record.CreatedAt),
    Description: record.Description,
    ID: record.ID + star(record.Mutable),
    LastUsedAt: ageText(record, now),
    Mutable: record.Mutable,
    Parents: parents,
    Reclaimable: !record.InUse,
    Shared: record.Shared,
    Size: humanSize(record.Size) + star(record.Shared),
    Type: record.RecordType,
    UsageCount: Number(record.UsageCount),
  };
  const json = { ...row, Parents: parents.length === 0 ? null : parents };
  return Object.defineProperty({ ...row }, "toJSON", { value: () => json, enumerable: false });
}

/** A record in full, as `prune --verbose` prints it. */
export function verboseRecord(record: UsageRecord, now: Date): string {
  const parents = parentsOf(record);
  const lines: readonly (readonly [string, string])[] = [
    ["ID", record.ID],
    ["Parent", parents.join(",")],
    ["Created at", timeText(record.CreatedAt)],
    ["Mutable", String(record.Mutable)],
    ["Reclaimable", String(!record.InUse)],
    ["Shared", String(record.Shared)],
    ["Size", humanSize(record.Size)],
    ["Description", record.Description],
    ["Usage count", String(record.UsageCount)],
    ["Last used", ageText(record, now)],
    ["Type", record.RecordType],
  ];
  const text = lines.flatMap(([key, value]) => (value === "" ? [] : `${key}:\t${value}\n`)).join("");
  return `${alignTabs(text, summaryTabs)}\n`;
}

/** How columns are laid out where buildx fills them with tabs. */
export const summaryTabs = { minWidth: 1, padding: 1, tabWidth: 8 };

/** `About an hour ago`; empty for what never was used. */
export function ageText({ LastUsedAt }: UsageRecord, now: Date): string {
  if (!LastUsedAt) return "";
  return `${humanDuration(now.getTime() - Number(LastUsedAt.seconds) * 1000 - LastUsedAt.nanos / 1e6)} ago`;
}

function timeText(time: UsageRecord["CreatedAt"]): string {
  return goTime(new Date(Number(time?.seconds ?? 0n) * 1000), time?.nanos ?? 0);
}

/** Older engines tell of one parent, in a field of its own. */
function parentsOf({ Parents, Parent }: UsageRecord): readonly string[] {
  return Parents.length > 0 || Parent === "" ? Parents : [Parent];
}
