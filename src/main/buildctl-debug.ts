import { compileTemplate } from "../base/text/go-template/mod.ts";
import { BuildKitClient, connect, type Dial, type WorkerRecord } from "../client/mod.ts";
import { formatPlatform } from "../oci/mod.ts";

/** Text for `buildctl debug info`. */
export async function showInfo(open: Dial, options: { format: string; signal: AbortSignal }): Promise<string> {
  const { format, signal } = options;
  await using client = new BuildKitClient(connect({ open }));
  const info = await client.info({ signal });
  const { package: name = "", version = "", revision = "" } = info ?? {};
  if (format !== "") return render(format, { buildkitVersion: { package: name, version, revision } });
  return `BuildKit:\t${[name, version, revision].filter(Boolean).join(" ")}\n`;
}

/** Text for `buildctl debug workers`. Fails when the engine does not answer: docker buildx waits for an engine with it. */
export async function showWorkers(
  open: Dial,
  options: { format: string; filter: readonly string[]; verbose: boolean; signal: AbortSignal },
): Promise<string> {
  const { format, filter, verbose, signal } = options;
  await using client = new BuildKitClient(connect({ open }));
  const workers = await client.listWorkers({ filter, signal });
  if (format !== "") return render(format, workers.map(plain));
  if (verbose) return workers.map(everything).join("\n");
  return [`ID\tPLATFORMS\n`, ...workers.map((worker) => `${worker.ID}\t${platformsOf(worker)}\n`)].join("");
}

function everything(worker: WorkerRecord): string {
  const { package: name = "", version = "", revision = "" } = worker.BuildkitVersion ?? {};
  const labels = Object.entries(worker.Labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    `ID:\t\t${worker.ID}\n`,
    `Platforms:\t${platformsOf(worker)}\n`,
    `BuildKit:\t${[name, version, revision].filter(Boolean).join(" ")}\n`,
    "Labels:\n",
    ...labels.map(([key, value]) => `\t${key}:\t${value}\n`),
  ].join("");
}

function platformsOf(worker: WorkerRecord): string {
  return plain(worker)
    .platforms.map((platform) => formatPlatform(platform))
    .join(",");
}

/** As BuildKit's client has it in JSON. */
function plain(worker: WorkerRecord) {
  const { package: name = "", version = "", revision = "" } = worker.BuildkitVersion ?? {};
  return {
    id: worker.ID,
    labels: { ...worker.Labels },
    platforms: worker.platforms.map(({ Architecture, OS, Variant }) => ({
      architecture: Architecture,
      os: OS,
      ...(Variant === "" ? {} : { variant: Variant }),
    })),
    buildkitVersion: { package: name, version, revision },
  };
}

function render(format: string, value: unknown): string {
  const text = compileTemplate(format).render(value as Readonly<Record<string, unknown>>);
  return text.endsWith("\n") ? text : `${text}\n`;
}
