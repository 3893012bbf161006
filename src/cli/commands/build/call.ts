import { dirname, join } from "node:path";
import { parseCsvFields } from "../../../base/text/csv/mod.ts";
import { parseGoBool } from "../../../base/text/go-values/mod.ts";
import {
  type DescribedRequest,
  type LintAnswer,
  type OutlineAnswer,
  printDescribed,
  printLintError,
  printLintWarnings,
  printOutline,
  printTargets,
  type TargetsAnswer,
} from "../../../subrequests/mod.ts";
import { UsageError } from "../../flags/usage-error.ts";

/** What `--call` asks. */
export interface Call {
  /** As the frontend knows it: `lint`, `outline`, `targets`, `subrequests.describe`, or whatever another frontend has. */
  readonly name: string;
  readonly json: boolean;
  /** The answer's own status does not count. */
  readonly ignoreStatus: boolean;
}

/**
 * Reads `NAME[,format=json][,ignorestatus=bool]`.
 * @returns `undefined` for `build`
 * @throws {UsageError} with docker buildx's words
 */
export function parseCall(text: string): Call | undefined {
  if (text === "") return undefined;
  let name = "";
  let json = false;
  let ignoreStatus = false;
  for (const field of parseCsvFields(text)) {
    const at = field.indexOf("=");
    const value = field.slice(at + 1);
    if (at < 0) {
      if (name !== "") throw new UsageError(`invalid print value: ${text}`);
      name = field;
    } else if (field.startsWith("format=")) {
      json = value === "json";
    } else if (field.startsWith("ignorestatus=")) {
      const parsed = parseGoBool(value);
      if (parsed === undefined) throw new UsageError(`invalid ignorestatus print value: ${value}`);
      ignoreStatus = parsed;
    } else {
      throw new UsageError(`invalid print field: ${field}`);
    }
  }
  if (name === "build") return undefined;
  return { name: name === "check" ? "lint" : name, json, ignoreStatus };
}

/** An answer as people see it. */
export interface ShownAnswer {
  readonly text: string;
  /** The process's exit code. */
  readonly code: number;
  /** For whoever asked what is wrong: why it cannot be built at all. */
  readonly error?: string;
}

/**
 * How people can find a Dockerfile from where they are.
 * @param filename in its directory
 * @returns `undefined` when it is not in a directory of theirs
 */
export function dockerfileAsTyped(
  {
    context,
    file,
    filename,
  }: { readonly context: string; readonly file: string; readonly filename: string | undefined },
  contextDirectory: string | undefined,
): string | undefined {
  if (filename === undefined || contextDirectory === undefined || file === "-" || /^https?:/.test(file))
    return undefined;
  return join(file === "" ? context : dirname(file), filename);
}

/**
 * Writes an answer as docker buildx does, whichever engine has given it.
 * @param dockerfile how people know the file, where not by the name that the engine knows
 */
export function showAnswer(
  call: Call,
  response: Readonly<Record<string, string>>,
  dockerfile: string | undefined,
): ShownAnswer {
  const { "result.json": json = "", "result.txt": text, "result.statuscode": status = "0" } = response;
  const code = call.ignoreStatus || !/^\d{1,3}$/.test(status) ? 0 : Number(status);
  if (call.name === "lint") return showLint(call, json, { code, dockerfile });
  if (call.json) return { text: `${json}\n`, code };
  switch (call.name) {
    case "outline":
      return { text: printOutline(JSON.parse(json) as OutlineAnswer), code: 0 };
    case "targets":
      return { text: printTargets(JSON.parse(json) as TargetsAnswer), code: 0 };
    case "subrequests.describe":
      return { text: printDescribed(JSON.parse(json) as readonly DescribedRequest[]), code: 0 };
    default:
      return { text: text ?? `${JSON.stringify(response)}\n`, code };
  }
}

function showLint(
  call: Call,
  json: string,
  { code, dockerfile }: { readonly code: number; readonly dockerfile: string | undefined },
): ShownAnswer {
  const given = JSON.parse(json) as LintAnswer;
  const sources = given.sources?.map((source) => ({ ...source, filename: dockerfile ?? source.filename })) ?? null;
  const answer = { ...given, sources };
  const error = printLintError(answer);
  const failed = error === "" ? {} : { error };
  if (call.json) return { text: `${json}\n`, code: error === "" ? code : 1, ...failed };
  const count = answer.warnings?.length ?? 0;
  if (count === 0) {
    return error === "" ? { text: "Check complete, no warnings found.\n", code } : { text: "", code: 1, error };
  }
  const head = count === 1 ? "1 warning has been found!" : `${count} warnings have been found!`;
  const text = `Check complete, ${head}\n${printLintWarnings(answer)}`;
  return error === "" ? { text, code } : { text: `${text}\n`, code: 1, error };
}
