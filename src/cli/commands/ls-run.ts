import { messageOf } from "../../base/errors/mod.ts";
import { loadBuilder, type LoadedBuilder, type LoadedNode, withInstances } from "../../builder/mod.ts";
import { proxyVariables } from "../../docker/mod.ts";
import { openBuilders } from "../builder.ts";
import { builderJson } from "../builders/json.ts";
import { platformNames, shortPlatforms } from "../builders/platforms.ts";
import type { Invocation } from "../command.ts";
import { parseFormat, type Row, type RowFormat, renderRows } from "../table/mod.ts";
import type { lsFlags } from "./ls.ts";

const header = {
  Name: "NAME/NODE",
  DriverEndpoint: "DRIVER/ENDPOINT",
  LastActivity: "LAST ACTIVITY",
  Status: "STATUS",
  Buildkit: "BUILDKIT",
  Platforms: "PLATFORMS",
  Error: "ERROR",
};

const table = "table {{.Name}}\t{{.DriverEndpoint}}\t{{.Status}}\t{{.Buildkit}}\t{{.Platforms}}";

/** Runs `ls`: asks all nodes at once, prints a table, and after it what could not be found out. */
export async function runLs({ context, flags }: Invocation<typeof lsFlags>): Promise<number> {
  const { signal, stdout } = context;
  const builders = await openBuilders(context);
  const [all, current] = await Promise.all([builders.all(), builders.find("")]);
  const loaded = await Promise.all(
    all.map(async (builder) =>
      withInstances(await loadBuilder(builders, builder, { signal, timeoutMs: flags.timeout })),
    ),
  );
  const ordered = [
    ...loaded.filter(({ error }) => error === undefined),
    ...loaded.filter(({ error }) => error !== undefined),
  ];
  const format = parseFormat(flags.format, { table });
  const proxies = upperCase(proxyVariables(builders.docker.config.proxies, builders.docker.host));
  const rows = ordered.flatMap((builder) => {
    const isCurrent = builder.builder.name === current.name;
    const json = builderJson(builder, { current: isCurrent, proxies });
    const row = (node: LoadedNode | undefined) =>
      rowOf(builder, node, { json, isCurrent, format, noTrunc: flags["no-trunc"] });
    if (format.kind === "json" || builder.error !== undefined) return [row(undefined)];
    return [row(undefined), ...builder.nodes.map(row)];
  });
  stdout.write(renderRows(format, header, rows));
  const failures = format.kind === "table" ? ordered.flatMap(failuresOf) : [];
  if (failures.length > 0) context.stderr.write(`\n${failures.map((line) => `${line}\n`).join("")}`);
  return 0;
}

function rowOf(
  { builder, error }: LoadedBuilder,
  node: LoadedNode | undefined,
  options: { json: Row; isCurrent: boolean; format: RowFormat; noTrunc: boolean },
): Row {
  const isTable = options.format.kind === "table";
  const shared = { Builder: options.json, Error: "", LastActivity: "", Status: "", Buildkit: "", Platforms: "" };
  const row = (fields: Row): Row =>
    Object.defineProperty({ ...shared, ...fields }, "toJSON", { value: () => options.json, enumerable: false });
  if (!node) {
    return row({
      Name: builder.name + (isTable && options.isCurrent ? "*" : ""),
      DriverEndpoint: error === undefined ? builder.driver : "",
      LastActivity: builder.lastActivity?.toISOString().replace(".000Z", "Z") ?? "",
      Status: error === undefined ? "" : "error",
      Error: error === undefined ? "" : messageOf(error),
    });
  }
  const indent = isTable ? " \\_ " : "";
  const names = platformNames(node.node.platforms, node.status?.platforms ?? []);
  return row({
    Name: indent + node.node.name,
    DriverEndpoint: indent + node.node.endpoint,
    Status: node.error === undefined ? (node.status?.state ?? "") : "error",
    Buildkit: node.status?.version ?? "",
    Platforms: isTable && !options.noTrunc ? shortPlatforms(names) : names.join(", "),
    Error: node.error === undefined ? "" : messageOf(node.error),
  });
}

function failuresOf({ builder, nodes, error }: LoadedBuilder): readonly string[] {
  if (error !== undefined) return [`Cannot load builder ${builder.name}: ${messageOf(error).trim()}`];
  return nodes.flatMap((node) =>
    node.error === undefined
      ? []
      : [`Failed to get status for ${builder.name} (${node.node.name}): ${messageOf(node.error).trim()}`],
  );
}

function upperCase(variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(variables).filter(([name]) => name === name.toUpperCase() && name !== "ALL_PROXY"),
  );
}
