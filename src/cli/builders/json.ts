import { messageOf } from "../../base/errors/mod.ts";
import type { LoadedBuilder, LoadedNode } from "../../builder/mod.ts";
import { formatPlatform } from "../../oci/mod.ts";

type Json = Readonly<Record<string, unknown>>;

/** A builder as `ls --format json` prints it: Go's names, in the order of the alphabet, without what is empty. */
export function builderJson(
  { builder, nodes, error }: LoadedBuilder,
  options: { readonly current: boolean; readonly proxies: Readonly<Record<string, string>> },
): Json {
  return sorted({
    Name: builder.name,
    Driver: error === undefined ? builder.driver : "",
    LastActivity: builder.lastActivity?.toISOString().replace(".000Z", "Z") ?? "0001-01-01T00:00:00Z",
    Dynamic: builder.dynamic,
    // as buildx has it, where nodes that were never asked have no names
    Nodes: nodes.map((node) => (error === undefined ? nodeJson(node, options.proxies) : { Endpoint: "", Name: "" })),
    Current: options.current,
    ...withoutEmpty({ Err: error === undefined ? "" : messageOf(error).trim() }),
  });
}

function nodeJson({ node, status, error }: LoadedNode, proxies: Readonly<Record<string, string>>): Json {
  return sorted({
    Name: node.name,
    Endpoint: node.endpoint,
    ...withoutEmpty({
      Flags: node.flags,
      DriverOpts: sorted(node.driverOpts),
      Files: sorted(
        Object.fromEntries(
          Object.entries(node.files).map(([path, bytes]) => [path, Buffer.from(bytes).toString("base64")]),
        ),
      ),
      Status: error === undefined ? (status?.state ?? "") : "error",
      ProxyConfig: sorted(proxies),
      Version: status?.version ?? "",
      Err: error === undefined ? "" : messageOf(error).trim(),
      IDs: status?.workerIds ?? [],
      Platforms: (status?.platforms ?? node.platforms).map(formatPlatform),
      GCPolicy: (status?.gcPolicy ?? []).map((rule) =>
        sorted({
          filter: rule.filters.length === 0 ? null : rule.filters,
          all: rule.all,
          keepDuration: Number(rule.keepDuration),
          reservedSpace: Number(rule.reservedSpace),
          maxUsedSpace: Number(rule.maxUsedSpace),
          minFreeSpace: Number(rule.minFreeSpace),
        }),
      ),
      Labels: sorted(status?.labels ?? {}),
    }),
  });
}

function withoutEmpty(object: Json): Json {
  const isEmpty = (value: unknown) =>
    value === "" || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(object).filter(([, value]) => !isEmpty(value)));
}

function sorted(object: Json): Json {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
