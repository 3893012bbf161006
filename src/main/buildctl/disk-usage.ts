import type { UsageRecord } from "../../client/mod.ts";
import type { Call } from "./command.ts";
import { columns, renderer } from "./render.ts";
import { sizeText } from "./sizes.ts";
import { usageHeader, usageRow, usageText, usageValue } from "./usage.ts";

/** `du`: what the engine keeps on disk. */
export async function showDiskUsage({ client, flags, write }: Call): Promise<void> {
  const filters = flags.list("filter");
  const render = flags.text("format") === "" ? undefined : renderer(flags.text("format"));
  const records = await client.diskUsage({ filters });
  if (render) return write(render(records.map(usageValue)));
  write(
    flags.isOn("verbose") ? records.map(usageText).join("") : columns(usageHeader + records.map(usageRow).join("")),
  );
  if (filters.length === 0) write(summary(records));
}

function summary(records: readonly UsageRecord[]): string {
  const sum = (wanted: (record: UsageRecord) => boolean) =>
    records.filter(wanted).reduce((bytes, { Size }) => bytes + (Size > 0n ? Size : 0n), 0n);
  const total = sum(() => true);
  const shared = sum(({ Shared }) => Shared);
  const lines: [string, bigint][] = [
    ...(shared > 0n
      ? [["Shared", shared] satisfies [string, bigint], ["Private", total - shared] satisfies [string, bigint]]
      : []),
    ["Reclaimable", sum(({ InUse }) => !InUse)],
    ["Total", total],
  ];
  return columns(lines.map(([key, bytes]) => `${key}:\t${sizeText(bytes, 2)}\n`).join(""));
}
