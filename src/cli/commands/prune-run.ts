import { BuildError } from "../../base/errors/mod.ts";
import type { PruneRules, UsageRecord } from "../../client/mod.ts";
import { askedBuilder } from "../asked-builder.ts";
import { openBuilders } from "../builder.ts";
import { ageText, summaryTabs, verboseRecord } from "../builders/cache-record.ts";
import { type NodeClient, openClients, withTimeout } from "../builders/clients.ts";
import { parseCacheFilters } from "../builders/filters.ts";
import { confirm } from "../builders/prompt.ts";
import type { Invocation } from "../command.ts";
import { alignTabs, humanSize } from "../table/mod.ts";
import type { pruneFlags } from "./prune.ts";

const question = "Are you sure you want to continue?";

/** Runs `prune`: all nodes of the builder at once; each record is printed when it is gone. */
export async function runPrune(invocation: Invocation<typeof pruneFlags>): Promise<number> {
  const { context, flags, given } = invocation;
  const { signal, stdout, stderr, now } = context;
  const builders = await openBuilders(context);
  const { filters, unusedForMs } = parseCacheFilters(flags.filter, builders.docker.config.pruneFilters);
  if (given.has("keep-storage")) {
    stderr.write("Flag --keep-storage has been deprecated, keep-storage flag has been changed to reserved-space\n");
  }
  const warning = `WARNING! This will remove all ${flags.all ? "" : "dangling "}build cache. ${question}`;
  if (!flags.force && !(await confirm(warning, context))) return 0;
  await using clients = await openClients(builders, askedBuilder(invocation), context);
  const rules: PruneRules = {
    filters,
    all: flags.all,
    keepDurationMs: unusedForMs,
    reservedSpace: flags["reserved-space"] ?? flags["keep-storage"] ?? 0,
    maxUsedSpace: flags["max-used-space"] ?? 0,
    minFreeSpace: flags["min-free-space"] ?? 0,
  };
  if (rules.maxUsedSpace > 0 || rules.minFreeSpace > 0) {
    using limited = withTimeout(signal, flags.timeout);
    await Promise.all(clients.nodes.map((node) => requireSpaceRules(node, limited.signal)));
  }
  let total = 0n;
  let isFirst = true;
  const print = (record: UsageRecord) => {
    total += record.Size;
    if (flags.verbose) stdout.write(verboseRecord(record, now()));
    else {
      if (isFirst) stdout.write("ID\tRECLAIMABLE\tSIZE\tLAST ACCESSED\n");
      isFirst = false;
      stdout.write(recordLine(record, now()));
    }
  };
  await Promise.all(
    clients.nodes.map(async ({ client }) => {
      for await (const record of client.prune(rules, { signal })) print(record);
    }),
  );
  stdout.write(`Total:\t${humanSize(total)}\n`);
  return 0;
}

/** The columns of neighbouring lines cannot be known while records go one by one; these fit almost all. */
function recordLine(record: UsageRecord, now: Date): string {
  const id = record.ID + (record.Mutable ? "*" : "");
  const size = humanSize(record.Size) + (record.Shared ? "*" : "");
  const cells = [id.padEnd(40), String(!record.InUse).padEnd(5), size.padEnd(10), ageText(record, now)];
  return alignTabs(`${cells.join("\t")}\n`, summaryTabs);
}

/** An engine that does not know these rules passes them over, and removes what was to be kept. @throws {BuildError} with buildx's words */
async function requireSpaceRules({ client, driver }: NodeClient, signal: AbortSignal): Promise<void> {
  if (driver.kind === "embedded") return;
  const capabilities = await client.capabilities({ signal });
  if (capabilities.has("gc.freespacefilter")) return;
  throw new BuildError(
    "failed_precondition",
    "buildkit v0.17.0+ is required for max-used-space and min-free-space filters",
  );
}
