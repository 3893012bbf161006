import type { NameValue, RecordedFailure } from "../../../history/mod.ts";
import { alignTabs } from "../../table/mod.ts";
import type { BuildDetails } from "./details.ts";
import { buildDuration } from "./duration.ts";

const tabs = { minWidth: 1, padding: 1, tabWidth: 8 };

/** Names of gRPC's numbers, where buildx prints them. */
const codeNames: readonly string[] =
  "OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated".split(
    " ",
  );

/** What each setting is called for people. */
const settingLabels: Readonly<Record<string, string>> = {
  Network: "Network",
  Hostname: "Hostname",
  ExtraHosts: "Extra Hosts",
  CgroupParent: "Cgroup Parent",
  ImageResolveMode: "Image Resolve Mode",
  MultiPlatform: "Multi-Platform",
  NoCache: "No Cache",
  NoCacheFilter: "No Cache Filter",
  ShmSize: "Shm Size",
  Ulimit: "Resource Limits",
  Memory: "Memory",
  MemorySwap: "Memory Swap",
  CPUShares: "CPU Shares",
  CPUPeriod: "CPU Period",
  CPUQuota: "CPU Quota",
  CPUSetCPUs: "CPUSet CPUs",
  CPUSetMems: "CPUSet Mems",
  CacheMountNS: "Cache Mount Namespace",
  DockerfileCheckConfig: "Dockerfile Check Config",
  SourceDateEpoch: "Source Date Epoch",
  SandboxHostname: "Sandbox Hostname",
};

/** A build in full, as buildx prints it. */
export function prettyDetails(
  details: BuildDetails,
  failure: RecordedFailure | undefined,
  { program, isLatest }: { readonly program: string; readonly isLatest: boolean },
): string {
  const { Config: config, Status } = details;
  const [isRunning, isCanceled] = [Status === "running", Status === "canceled"];
  const blocks = [
    labels([
      ["Name", details.Name],
      ["Ref", isLatest ? details.Ref : undefined],
      ["Context", details.Context],
      ["Dockerfile", details.Dockerfile],
      ["VCS Repository", details.VCSRepository],
      ["VCS Revision", details.VCSRevision],
      ["Target", details.Target],
      ["Platforms", details.Platform],
      ["Keep Git Dir", details.KeepGitDir],
    ]),
    pairs("NAMED CONTEXT", details.NamedContexts),
    labels([
      ["Started", details.StartedAt?.replace("T", " ").replace(/\..*$/, "")],
      ["Duration", buildDuration(BigInt(details.Duration)) + (isRunning ? " (running)" : "")],
      ["Error", failure && !isCanceled ? `${codeNames[failure.code] ?? failure.code} ${failure.error.message}` : ""],
      ["Status", isCanceled ? "Canceled" : undefined],
      ["Build Steps", steps(details)],
    ]),
    labels([
      ...Object.entries(settingLabels).map(([key, label]) => [label, config[key] as Shown] as const),
      ...((config["RestRaw"] ?? []) as readonly NameValue[]).map(({ Name, Value }) => [Name, Value] as const),
    ]),
    pairs("BUILD ARG", details.BuildArgs),
    pairs("LABEL", details.Labels),
    materials(details.Materials),
    attachments(details.Attachments),
    failure ? said(details, failure) : "",
  ];
  const hint = `Print build logs: ${program} history logs ${details.Ref}\n`;
  // A blank line stands behind the first part and the settings even where there are none.
  const [error = "", ...parts] = blocks.toReversed();
  return parts
    .toReversed()
    .flatMap((block, at) => (block !== "" || at === 0 || at === 3 ? [`${block}\n`] : []))
    .concat(error, hint)
    .join("");
}

/** What a label can stand before. */
type Shown = string | boolean | readonly string[] | undefined;

function labels(rows: readonly (readonly [label: string, value: Shown])[]): string {
  const text = rows.map(([label, value]) => {
    const shown = Array.isArray(value) ? value.join(", ") : value === undefined ? "" : String(value);
    return shown === "" ? "" : `${label}:\t${shown}\n`;
  });
  return alignTabs(text.join(""), tabs);
}

function pairs(heading: string, rows: readonly NameValue[] = []): string {
  if (rows.length === 0) return "";
  return alignTabs(
    [`${heading}\tVALUE`, ...rows.map(({ Name, Value }) => `${Name}\t${Value ?? ""}`), ""].join("\n"),
    tabs,
  );
}

function materials(rows: BuildDetails["Materials"] = []): string {
  if (rows.length === 0) return "";
  const lines = rows.map(({ URI, Digests }) => `${URI}\t${Digests.join(", ")}`);
  return `Materials:\n${alignTabs(["URI\tDIGEST", ...lines, ""].join("\n"), tabs)}`;
}

function attachments(rows: BuildDetails["Attachments"] = []): string {
  if (rows.length === 0) return "";
  const lines = rows.map(({ Digest, Platform = "", Type }) => `${Digest}\t${Platform}\t${Type}`);
  return `Attachments:\n${alignTabs(["DIGEST\tPLATFORM\tTYPE", ...lines, ""].join("\n"), tabs)}`;
}

function steps({ NumCompletedSteps: done, NumTotalSteps: total, NumCachedSteps: cached }: BuildDetails): string {
  const share = total === 0 ? "" : ` (${rounded((cached * 100) / total)}% cached)`;
  return `${done}/${total}${share}`;
}

/** Halves go to the even neighbour. */
function rounded(value: number): number {
  const near = Math.round(value);
  return near - value === 0.5 && near % 2 === 1 ? near - 1 : near;
}

function said({ Error: error }: BuildDetails, { step, logs }: RecordedFailure): string {
  const sources = error?.Sources ? Buffer.from(error.Sources, "base64").toString() : "";
  if (logs.length === 0) return sources;
  const last = (error?.Logs ?? []).map((line) => `> ${line}`);
  return `${sources}${["Logs:", `> => ${step}:`, ...last, "", ""].join("\n")}`;
}
