import { messageOf } from "../../base/errors/mod.ts";
import {
  type DriverFeatures,
  loadBuilder,
  type LoadedBuilder,
  type LoadedNode,
  withInstances,
} from "../../builder/mod.ts";
import { askedBuilder } from "../asked-builder.ts";
import { openBuilders } from "../builder.ts";
import { bootWithProgress } from "../builders/boot.ts";
import { platformNames } from "../builders/platforms.ts";
import type { Invocation } from "../command.ts";
import { alignTabs, binarySize, goDuration, goTime } from "../table/mod.ts";
import type { inspectFlags } from "./inspect.ts";

type Features = ReadonlyMap<LoadedNode, DriverFeatures>;

/** Runs `inspect [NAME]`. */
export async function runInspect(invocation: Invocation<typeof inspectFlags>): Promise<number> {
  const { context, flags, args, globals } = invocation;
  const { signal, stdout } = context;
  const builders = await openBuilders(context);
  const builder = await builders.find(args[0] ?? askedBuilder(invocation));
  const load = () => loadBuilder(builders, builder, { signal, timeoutMs: flags.timeout });
  let loaded = await load();
  if (flags.bootstrap && (await bootWithProgress(loaded.nodes, context))) loaded = await load();
  loaded = withInstances(loaded);
  const features = new Map<LoadedNode, DriverFeatures>();
  for (const node of globals.debug ? loaded.nodes : []) {
    if (node.driver && node.status) features.set(node, await node.driver.features({ signal }));
  }
  stdout.write(alignTabs(builderText(loaded, features), { minWidth: 0, padding: 1 }));
  return 0;
}

function builderText({ builder, nodes, error }: LoadedBuilder, features: Features): string {
  const lines = [`Name:\t${builder.name}`, `Driver:\t${error === undefined ? builder.driver : ""}`];
  if (builder.lastActivity) lines.push(`Last Activity:\t${goTime(builder.lastActivity)}`);
  if (error !== undefined) return [...lines, `Error:\t${messageOf(error)}`, ""].join("\n");
  const texts = nodes.map((node) => nodeLines(node, features.get(node)));
  const separated = texts.flatMap((text, at) => (at === 0 ? text : ["", ...text]));
  return [...lines, "", "Nodes:", ...separated, ""].join("\n");
}

function nodeLines({ node, status, error }: LoadedNode, features: DriverFeatures | undefined): readonly string[] {
  const lines = [`Name:\t${node.name}`, `Endpoint:\t${node.endpoint}`];
  const opts = sortedEntries(node.driverOpts).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  if (opts.length > 0) lines.push(`Driver Options:\t${opts.join(" ")}`);
  if (!status) return [...lines, `Error:\t${messageOf(error)}`];
  lines.push(`Status:\t${status.state}`);
  if (node.flags.length > 0) lines.push(`BuildKit daemon flags:\t${node.flags.join(" ")}`);
  if (status.version) lines.push(`BuildKit version:\t${status.version}`);
  const platforms = platformNames(node.platforms, status.platforms);
  if (platforms.length > 0) lines.push(`Platforms:\t${platforms.join(", ")}`);
  if (features) lines.push("Features:", ...featureLines(features));
  const labels = sortedEntries(status.labels);
  if (labels.length > 0) lines.push("Labels:", ...labels.map(([key, value]) => `\t${key}:\t${value}`));
  if (status.devices.length > 0) lines.push("Devices:");
  for (const { Name, OnDemand, AutoAllow, Annotations } of status.devices) {
    lines.push(`\tName:\t${Name}`);
    lines.push(OnDemand ? "\tOn-Demand:\ttrue" : `\tAutomatically allowed:\t${AutoAllow}`);
    const annotations = sortedEntries(Annotations);
    if (annotations.length > 0)
      lines.push("\tAnnotations:", ...annotations.map(([key, value]) => `\t\t${key}:\t${value}`));
  }
  for (const [at, rule] of status.gcPolicy.entries()) {
    lines.push(`GC Policy rule#${at}:`, `\tAll:\t${rule.all}`);
    if (rule.filters.length > 0) lines.push(`\tFilters:\t${rule.filters.join(" ")}`);
    if (rule.keepDuration > 0n) lines.push(`\tKeep Duration:\t${goDuration(rule.keepDuration)}`);
    if (rule.reservedSpace > 0n) lines.push(`\tReserved Space:\t${binarySize(rule.reservedSpace)}`);
    if (rule.maxUsedSpace > 0n) lines.push(`\tMax Used Space:\t${binarySize(rule.maxUsedSpace)}`);
    if (rule.minFreeSpace > 0n) lines.push(`\tMin Free Space:\t${binarySize(rule.minFreeSpace)}`);
  }
  for (const [path, bytes] of sortedEntries(node.files)) {
    lines.push(`File#${path}:`);
    for (const line of Buffer.from(bytes).toString("utf8").split("\n")) lines.push(`\t> ${line}`);
  }
  return lines;
}

/** By the names that buildx has for them. */
function featureLines(features: DriverFeatures): readonly string[] {
  const names: Readonly<Record<Exclude<keyof DriverFeatures, "attestation">, string>> = {
    defaultLoad: "Automatically load images to the Docker Engine image store",
    cacheExport: "Cache export",
    directPush: "Direct push",
    dockerExporter: "Docker exporter",
    multiPlatform: "Multi-platform build",
    ociExporter: "OCI exporter",
    preferImageDigest: "Prefer image digest",
  };
  return Object.entries(names).map(([key, name]) => `\t${name}:\t${features[key as keyof DriverFeatures]}`);
}

function sortedEntries<T>(map: Readonly<Record<string, T>>): readonly (readonly [string, T])[] {
  return Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
