import type { Timestamp } from "../../base/protobuf/mod.ts";
import type { HistoryRecord } from "../../client/mod.ts";
import type { LocalBuild } from "../build-name.ts";
import { sanitizedImports } from "./sanitize.ts";

/** What a bundle tells of a build besides its record. */
export interface RecordSurroundings {
  /** The first platform of the engine, as text; empty when it has none. */
  readonly defaultPlatform: string;
  /** What this machine remembers of the build. */
  readonly local: LocalBuild | undefined;
}

/** A record in the spelling of Go's JSON, which Docker Desktop reads: nothing that is empty, times as seconds and nanoseconds. */
export function recordJson(record: HistoryRecord, { defaultPlatform, local }: RecordSurroundings): unknown {
  const { Ref, Frontend, FrontendAttrs, Exporters, error, CreatedAt, CompletedAt, ExporterResponse } = record;
  const { "cache-imports": imports, ...attrs } = FrontendAttrs;
  const result = (info: NonNullable<HistoryRecord["Result"]>) => ({
    ResultDeprecated: info.ResultDeprecated && descriptorJson(info.ResultDeprecated),
    Attestations: info.Attestations.map(descriptorJson),
    Results: mapValues(info.Results, descriptorJson),
  });
  const json = withoutEmpty({
    Ref,
    Frontend,
    FrontendAttrs: { ...attrs, ...(imports === undefined ? {} : { "cache-imports": sanitizedImports(imports) }) },
    Exporters: Exporters.map(({ Type, Attrs }) => ({ Type, Attrs })),
    error: error && { code: error.code, message: error.message },
    CreatedAt: CreatedAt && timeJson(CreatedAt),
    CompletedAt: CompletedAt && timeJson(CompletedAt),
    logs: record.logs && descriptorJson(record.logs),
    ExporterResponse,
    Result: record.Result && result(record.Result),
    Results: mapValues(record.Results, result),
    Generation: record.Generation,
    trace: record.trace && descriptorJson(record.trace),
    pinned: record.pinned,
    numCachedSteps: record.numCachedSteps,
    numTotalSteps: record.numTotalSteps,
    numCompletedSteps: record.numCompletedSteps,
    externalError: record.externalError && descriptorJson(record.externalError),
    numWarnings: record.numWarnings,
  }) as object;
  return { ...json, DefaultPlatform: defaultPlatform, ...(local ? localJson(local) : {}) };
}

function localJson({ target, localPath, dockerfilePath, group }: LocalBuild): object {
  const state = { Target: target, LocalPath: localPath, DockerfilePath: dockerfilePath };
  if (!group) return { localState: state };
  return { localState: { ...state, GroupRef: group.ref }, ...(group.state ? { stateGroup: group.state } : {}) };
}

function timeJson({ seconds, nanos }: Timestamp): unknown {
  return { seconds: Number(seconds), nanos };
}

function descriptorJson({ mediaType, digest, size, annotations }: NonNullable<HistoryRecord["logs"]>): unknown {
  return { media_type: mediaType, digest, size: Number(size), annotations };
}

function mapValues<A, B>(map: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}

/** Without fields that say nothing, at any depth; what a map maps to stays, whatever it is. */
function withoutEmpty(value: unknown, isMap = false): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutEmpty(item));
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([key, field]) => [key, withoutEmpty(field, maps.has(key))] as const);
  return Object.fromEntries(fields.filter(([, field]) => isMap || !isEmpty(field)));
}

const maps: ReadonlySet<string> = new Set(["FrontendAttrs", "Attrs", "ExporterResponse", "annotations"]);

function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === "" || value === 0 || value === false;
}
