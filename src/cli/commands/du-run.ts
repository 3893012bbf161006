import type { UsageRecord } from "../../client/mod.ts";
import { askedBuilder } from "../asked-builder.ts";
import { openBuilders } from "../builder.ts";
import { cacheRow, summaryTabs } from "../builders/cache-record.ts";
import { openClients, withTimeout } from "../builders/clients.ts";
import { parseCacheFilters } from "../builders/filters.ts";
import type { Invocation } from "../command.ts";
import { alignTabs, humanSize, parseFormat, renderRows } from "../table/mod.ts";
import type { duFlags } from "./du.ts";

const table = "table {{.ID}}\t{{.Reclaimable}}\t{{.Size}}\t{{.LastUsedAt}}";

const pretty = [
  "ID:           {{.ID}}",
  "{{- if .Parents }}\nParents:{{- range .Parents }}\n - {{.}}{{- end }}{{- end }}",
  "Created at:   {{.CreatedAt}}",
  "Mutable:      {{.Mutable}}",
  "Reclaimable:  {{.Reclaimable}}",
  "Shared:       {{.Shared}}",
  "Size:         {{.Size}}",
  "{{- if .Description}}\nDescription:  {{ .Description }}{{- end }}",
  "Usage count:  {{.UsageCount}}",
  "{{- if .LastUsedAt}}\nLast used:    {{ .LastUsedAt }}{{- end }}",
  "{{- if .Type}}\nType:         {{ .Type }}{{- end }}",
  "",
].join("\n");

const header = {
  ID: "ID",
  Parents: "PARENTS",
  CreatedAt: "CREATED AT",
  Mutable: "MUTABLE",
  Reclaimable: "RECLAIMABLE",
  Shared: "SHARED",
  Size: "SIZE",
  Description: "DESCRIPTION",
  UsageCount: "USAGE COUNT",
  LastUsedAt: "LAST ACCESSED",
  Type: "TYPE",
};

/** Runs `du`: asks all nodes of the builder at once. */
export async function runDu(invocation: Invocation<typeof duFlags>): Promise<number> {
  const { context, flags } = invocation;
  const { stdout, now } = context;
  if (flags.format !== "" && flags.verbose) throw new Error("--format and --verbose cannot be used together");
  const { filters } = parseCacheFilters(flags.filter);
  const name = flags.verbose ? "pretty" : flags.format || "table";
  const format = parseFormat(name, { table, pretty });
  const builders = await openBuilders(context);
  await using clients = await openClients(builders, askedBuilder(invocation), invocation.context);
  using limited = withTimeout(context.signal, flags.timeout);
  const usages = await Promise.all(
    clients.nodes.map(({ client }) => client.diskUsage({ filters, signal: limited.signal })),
  );
  const records = usages.flat();
  const rows = records.map((record) => cacheRow(record, now(), { marks: format.kind === "table" }));
  stdout.write(renderRows(name === "pretty" ? { ...format, template: pretty } : format, header, rows));
  if ((name === "table" || name === "pretty") && flags.filter.length === 0) stdout.write(summary(records));
  return 0;
}

function summary(records: readonly UsageRecord[]): string {
  const sum = (wanted: (record: UsageRecord) => boolean) =>
    records.filter(wanted).reduce((bytes, { Size }) => bytes + (Size > 0n ? Size : 0n), 0n);
  const total = sum(() => true);
  const shared = sum(({ Shared }) => Shared);
  const lines = [
    ...(shared > 0n ? [`Shared:\t${humanSize(shared)}`, `Private:\t${humanSize(total - shared)}`] : []),
    `Reclaimable:\t${humanSize(sum(({ InUse }) => !InUse))}`,
    `Total:\t${humanSize(total)}`,
    "",
  ];
  return alignTabs(lines.join("\n"), summaryTabs);
}
