import {
  type AskedFor,
  askedFor,
  type BuildRecord,
  durationNs,
  listAttachments,
  listMaterials,
  type Material,
  type RecordedFailure,
  recordedFailure,
} from "../../../history/mod.ts";
import { renderSources } from "../../errors/print-error.ts";
import { timeText } from "./time-text.ts";

/** One build in full, with the names that buildx's JSON has. Lists and texts that would be empty are left out. */
export interface BuildDetails extends AskedFor {
  readonly Name?: string;
  readonly Ref: string;
  readonly Context?: string;
  readonly Dockerfile?: string;
  readonly StartedAt?: string;
  readonly CompletedAt?: string;
  /** Nanoseconds. */
  readonly Duration: number;
  readonly Status: string;
  readonly Error?: {
    readonly Code: number;
    readonly Message: string;
    readonly Name?: string;
    readonly Logs?: readonly string[];
    /** Base64. */
    readonly Sources?: string;
  };
  readonly NumCompletedSteps: number;
  readonly NumTotalSteps: number;
  readonly NumCachedSteps: number;
  readonly Materials?: readonly Material[];
  readonly Attachments?: readonly { readonly Digest: string; readonly Platform?: string; readonly Type: string }[];
}

/** So many lines of what a step said last are shown. */
const lastLogs = 16;

/** Puts together what there is to know of a build. */
export async function buildDetails(
  build: BuildRecord,
  sources: Pick<BuildDetails, "Context" | "Dockerfile">,
  now: Date,
  options: { readonly signal: AbortSignal },
): Promise<{ readonly details: BuildDetails; readonly failure: RecordedFailure | undefined }> {
  const { wire, name, ref, status } = build;
  const failure = await recordedFailure(build, options);
  const attachments = await listAttachments(build, options);
  const materials = await listMaterials(build, attachments, options);
  const { Target, Platform, KeepGitDir, NamedContexts, VCSRepository, VCSRevision, BuildArgs, Labels, Config } =
    askedFor(wire.FrontendAttrs, { isContextShown: sources.Context === wire.FrontendAttrs["context"] });
  const details = {
    Name: name || undefined,
    Ref: ref,
    ...sources,
    VCSRepository,
    VCSRevision,
    Target,
    Platform,
    KeepGitDir,
    NamedContexts,
    StartedAt: wire.CreatedAt && timeText(wire.CreatedAt),
    CompletedAt: wire.CompletedAt && timeText(wire.CompletedAt),
    Duration: Number(durationNs(build, now)),
    Status: status,
    Error: failure && errorDetails(failure),
    NumCompletedSteps: wire.numCompletedSteps,
    NumTotalSteps: wire.numTotalSteps,
    NumCachedSteps: wire.numCachedSteps,
    BuildArgs,
    Labels,
    Config,
    Materials: materials.length === 0 ? undefined : materials,
    Attachments:
      attachments.length === 0
        ? undefined
        : attachments.map(({ digest, platform, type }) => ({
            Digest: digest,
            ...(platform === "" ? {} : { Platform: platform }),
            Type: type,
          })),
  };
  // what is undefined is no field: templates and JSON agree on that
  return {
    details: Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined)) as never,
    failure,
  };
}

function errorDetails({ code, error, step, logs }: RecordedFailure): NonNullable<BuildDetails["Error"]> {
  const sources = renderSources(error);
  return {
    Code: code,
    Message: error.message,
    ...(step === "" ? {} : { Name: step }),
    ...(logs.length === 0 ? {} : { Logs: logs.slice(-lastLogs) }),
    ...(sources === "" ? {} : { Sources: Buffer.from(`${sources}\n`).toString("base64") }),
  };
}
