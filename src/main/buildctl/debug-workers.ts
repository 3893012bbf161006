import { goDuration } from "../../cli/table/mod.ts";
import type { WorkerRecord } from "../../client/mod.ts";
import { formatPlatform } from "../../oci/mod.ts";
import type { Call } from "./command.ts";
import { columns, goValue, type GoValue, renderer } from "./render.ts";
import { sizeText } from "./sizes.ts";
import { versionLines, versionValue } from "./versions.ts";

/** `debug workers`: the engine's workers. Fails when the engine does not answer: docker buildx waits for an engine with it. */
export async function showWorkers({ client, flags, promptly, write }: Call): Promise<void> {
  const workers = await client.listWorkers({ filter: flags.list("filter"), signal: promptly });
  const format = flags.text("format");
  if (format !== "") return write(renderer(format)(workers.map(workerValue)));
  if (flags.isOn("verbose")) return write(columns(workers.map(everything).join("")));
  const rows = workers.map((worker) => `${worker.ID}\t${platformsOf(worker)}\n`);
  write(columns(["ID\tPLATFORMS\n", ...rows].join("")));
}

function everything(worker: WorkerRecord): string {
  const labels = sorted(worker.Labels).map(([key, value]) => `\t${key}:\t${value}\n`);
  const devices = worker.CDIDevices.map(({ Name, OnDemand, AutoAllow, Annotations }) =>
    [
      `\tName:\t${Name}\n`,
      OnDemand ? `\tOnDemand:\ttrue\n` : `\tAutoAllow:\t${AutoAllow}\n`,
      ...sorted(Annotations).map(([key, value]) => `\tAnnotations:\t${key}:\t${value}\n`),
    ].join(""),
  );
  return [
    `ID:\t${worker.ID}\n`,
    `Platforms:\t${platformsOf(worker)}\n`,
    versionLines(worker.BuildkitVersion),
    "Labels:\n",
    ...labels,
    ...(devices.length > 0 ? ["Devices:\n", ...devices, "\n"] : []),
    ...worker.GCPolicy.map(ruleText),
    "\n",
  ].join("");
}

function ruleText(rule: WorkerRecord["GCPolicy"][number], at: number): string {
  const space = (name: string, bytes: bigint) => (bytes > 0n ? `\t${name}:\t${sizeText(bytes)}\n` : "");
  return [
    `GC Policy rule#${at}:\n\tAll:\t${rule.all}\n`,
    rule.filters.length > 0 ? `\tFilters:\t${rule.filters.join(" ")}\n` : "",
    rule.keepDuration > 0n ? `\tKeep duration:\t${goDuration(rule.keepDuration)}\n` : "",
    space("Reserved space", rule.reservedSpace),
    space("Minimum free space", rule.minFreeSpace),
    space("Maximum used space", rule.maxUsedSpace),
  ].join("");
}

function sorted(values: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function platformsOf({ platforms }: WorkerRecord): string {
  return platforms
    .map(({ OS, Architecture, Variant }) =>
      formatPlatform({ os: OS, architecture: Architecture, ...(Variant === "" ? {} : { variant: Variant }) }),
    )
    .join(",");
}

/** A worker as BuildKit's client has it. */
function workerValue(worker: WorkerRecord): GoValue {
  const platforms = worker.platforms.map(({ Architecture, OS, Variant }) =>
    goValue(
      { Architecture, OS, Variant },
      { architecture: Architecture, os: OS, ...(Variant === "" ? {} : { variant: Variant }) },
    ),
  );
  const rules = worker.GCPolicy.map((rule) => {
    const fields = {
      All: rule.all,
      Filter: rule.filters,
      KeepDuration: Number(rule.keepDuration),
      ReservedSpace: Number(rule.reservedSpace),
      MaxUsedSpace: Number(rule.maxUsedSpace),
      MinFreeSpace: Number(rule.minFreeSpace),
    };
    const json = Object.entries(fields).map(([key, value]) => [key.charAt(0).toLowerCase() + key.slice(1), value]);
    return goValue(fields, { ...Object.fromEntries(json), filter: rule.filters.length > 0 ? rule.filters : null });
  });
  const devices = worker.CDIDevices.map(({ Name, AutoAllow, Annotations, OnDemand }) =>
    goValue(
      { Name, AutoAllow, Annotations, OnDemand },
      { name: Name, autoAllow: AutoAllow, annotations: Annotations, onDemand: OnDemand },
    ),
  );
  const version = versionValue(worker.BuildkitVersion);
  const [id, labels] = [worker.ID, { ...worker.Labels }];
  return goValue(
    { ID: id, Labels: labels, Platforms: platforms, GCPolicy: rules, BuildkitVersion: version, CDIDevices: devices },
    {
      id,
      labels,
      platforms,
      gcPolicy: rules,
      buildkitVersion: version,
      cdiDevices: devices.length > 0 ? devices : null,
    },
  );
}
