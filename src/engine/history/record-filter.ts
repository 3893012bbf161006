import { timestampMs } from "../../base/protobuf/mod.ts";
import type { control } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { FilterError, parseFilters, textField } from "../../base/text/filter/mod.ts";
import { parseGoDuration } from "../../base/text/go-values/mod.ts";

type BuildRecord = control.BuildHistoryRecord;

/** gRPC's number for "canceled". */
const canceledCode = 1;

/**
 * Filters of ListenBuildHistory: `ref`, `status` (running, completed, error, canceled) and `repository` as texts; `startedAt` and `completedAt`
 * (RFC 3339, or so long ago) and `duration` by order.
 * @returns whether one of the filters matches; without filters, every record does
 * @throws {BuildError} `invalid_argument`
 */
export function parseHistoryFilters(filters: readonly string[], now: Date): (record: BuildRecord) => boolean {
  const moment = (text: string): number | undefined => {
    const ago = parseGoDuration(text);
    if (ago !== undefined) return now.getTime() - ago;
    const at = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(at) ? undefined : at;
  };
  try {
    return parseFilters<BuildRecord>(filters, {
      texts: {
        ref: ({ Ref }) => textField(Ref),
        status: (record) => textField(statusOf(record)),
        repository: (record) => textField(repositoryOf(record)),
      },
      measures: {
        startedAt: { of: ({ CreatedAt }) => CreatedAt && timestampMs(CreatedAt), parse: moment },
        completedAt: { of: ({ CompletedAt }) => CompletedAt && timestampMs(CompletedAt), parse: moment },
        duration: {
          of: ({ CreatedAt, CompletedAt }) =>
            CreatedAt && (CompletedAt ? timestampMs(CompletedAt) : now.getTime()) - timestampMs(CreatedAt),
          parse: parseGoDuration,
        },
      },
    });
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw new BuildError("invalid_argument", `failed to parse history filter ${error.message}`, { cause: error });
  }
}

function statusOf({ CompletedAt, error }: BuildRecord): string {
  if (!CompletedAt) return "running";
  if (!error) return "completed";
  return error.code === canceledCode ? "canceled" : "error";
}

/** Where the sources came from: what the client says of its work tree, else a remote context without its fragment. */
function repositoryOf({ FrontendAttrs }: BuildRecord): string {
  const told = FrontendAttrs["vcs:source"];
  if (told !== undefined) return told;
  const context = FrontendAttrs["context"] ?? "";
  return /^(?:https?|git|ssh):\/\/|^[\w.-]+@[\w.-]+:/.test(context) ? context.replace(/[#?].*$/s, "") : "";
}
