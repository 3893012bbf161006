import { goStruct } from "../../../base/text/go-template/mod.ts";
import { type BuildRecord, durationNs, type NameValue } from "../../../history/mod.ts";
import { goDuration, goTime } from "../../table/mod.ts";
import type { BuildDetails } from "./details.ts";

/** What there may be to know of a build, as a template shows it where there is nothing. */
const nothing = {
  Name: "",
  Ref: "",
  Context: "",
  Dockerfile: "",
  VCSRepository: "",
  VCSRevision: "",
  Target: "",
  Platform: [],
  KeepGitDir: false,
  NamedContexts: [],
  Error: null,
  BuildArgs: [],
  Labels: [],
  Materials: [],
  Attachments: [],
  Errors: [],
};

const nothingAsked = {
  Network: "",
  ExtraHosts: [],
  Hostname: "",
  CgroupParent: "",
  ImageResolveMode: "",
  MultiPlatform: false,
  NoCache: false,
  NoCacheFilter: [],
  ShmSize: "",
  Ulimit: "",
  Memory: "",
  MemorySwap: "",
  CPUShares: "",
  CPUPeriod: "",
  CPUQuota: "",
  CPUSetCPUs: "",
  CPUSetMems: "",
  CacheMountNS: "",
  DockerfileCheckConfig: "",
  SourceDateEpoch: "",
  SandboxHostname: "",
  RestRaw: [],
};

/** A build as the template of `--format` sees it: all fields that buildx has, times as Go prints them. */
export function templateFields(
  { wire, ...build }: BuildRecord,
  details: BuildDetails,
  now: Date,
): Readonly<Record<string, unknown>> {
  const time = (at: typeof wire.CreatedAt, date: Date | undefined) => (at && date ? goTime(date, at.nanos) : "<nil>");
  return {
    ...nothing,
    ...details,
    StartedAt: time(wire.CreatedAt, build.created),
    CompletedAt: time(wire.CompletedAt, build.completed),
    Duration: goDuration(durationNs({ wire, ...build }, now)),
    NamedContexts: pairs(details.NamedContexts),
    BuildArgs: pairs(details.BuildArgs),
    Labels: pairs(details.Labels),
    Materials: (details.Materials ?? []).map(goStruct),
    Attachments: (details.Attachments ?? []).map(({ Digest, Platform = "", Type }) =>
      goStruct({ Digest, Platform, Type }),
    ),
    Config: goStruct({ ...nothingAsked, ...details.Config, RestRaw: pairs(details.Config.RestRaw) }),
  };
}

function pairs(rows: readonly NameValue[] = []): readonly object[] {
  return rows.map(({ Name, Value = "" }) => goStruct({ Name, Value }));
}
