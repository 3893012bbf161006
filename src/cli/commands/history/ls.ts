import { buildFilters, type BuildRecord, type BuildStatus, durationNs, queryBuilds } from "../../../history/mod.ts";
import type { Invocation } from "../../command.ts";
import { humanDuration, parseFormat, renderRows, type Row } from "../../table/mod.ts";
import type { historyLsFlags } from "../history.ts";
import { buildUrl } from "./docker-desktop.ts";
import { currentRepository } from "./current-repository.ts";
import { buildDuration } from "./duration.ts";
import { openPlace } from "./place.ts";
import { timeText } from "./time-text.ts";

const table = "table {{.Ref}}\t{{.Name}}\t{{.Status}}\t{{.CreatedAt}}\t{{.Duration}}";
const header = {
  Ref: "BUILD ID",
  Name: "NAME",
  Status: "STATUS",
  CreatedAt: "CREATED AT",
  Duration: "DURATION",
  Link: "",
};

/** How many builds are listed at the most. */
const most = 50;
/** Longest name that is shown whole. */
const longestName = 36;

const statusWords: Readonly<Record<BuildStatus, string>> = {
  running: "Running",
  completed: "Completed",
  failed: "Error",
  canceled: "Error",
};

/** Runs `history ls`. */
export async function runLs(invocation: Invocation<typeof historyLsFlags>): Promise<number> {
  const { context, flags } = invocation;
  const { signal, stdout, now, cwd } = context;
  const format = parseFormat(flags.format, { table });
  const filters = buildFilters([
    ...flags.filter,
    ...(flags.local ? [`repository=${await currentRepository(cwd)}`] : []),
  ]);
  await using place = await openPlace(invocation);
  const builds = await queryBuilds(place, { filters, limit: most }, { signal });
  const rows = builds
    .slice(0, most)
    .map((build) => row(build, now(), { whole: flags["no-trunc"] || format.kind !== "table" }));
  stdout.write(renderRows(format, header, rows));
  return 0;
}

function row(build: BuildRecord, now: Date, { whole }: { readonly whole: boolean }): Row {
  const { ref, name, status, wire } = build;
  const fields = {
    Ref: ref,
    Name: whole || name.length <= longestName ? name : `..${name.slice(2 - longestName)}`,
    Status: statusWords[status],
    CreatedAt: `${humanDuration(now.getTime() - build.created.getTime())} ago`,
    Duration: buildDuration(durationNs(build, now)) + (status === "running" ? "+" : ""),
    Link: buildUrl(build.fullRef),
  };
  const json = {
    cached_steps: wire.numCachedSteps,
    ...(wire.CompletedAt ? { completed_at: timeText(wire.CompletedAt) } : {}),
    completed_steps: wire.numCompletedSteps,
    created_at: wire.CreatedAt ? timeText(wire.CreatedAt) : null,
    name,
    ref: build.fullRef,
    status: fields.Status,
    total_steps: wire.numTotalSteps,
  };
  return Object.defineProperty(fields, "toJSON", { value: () => json, enumerable: false });
}
