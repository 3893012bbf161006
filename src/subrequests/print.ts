import { renderExcerpt } from "../base/text/source-excerpt/mod.ts";
import type { AnswerLocation, DescribedRequest, LintAnswer, OutlineAnswer, TargetsAnswer } from "./answers.ts";
import { renderTable } from "./text-table.ts";

/** Warnings in the order of their lines, each with the lines that it is about. */
export function printLintWarnings(answer: LintAnswer): string {
  const line = ({ location }: { location?: AnswerLocation }) => location?.ranges?.[0]?.start.line ?? 0;
  return (answer.warnings ?? [])
    .toSorted((a, b) => line(a) - line(b))
    .map(({ ruleName, url, detail = "", location }) => {
      const address = url ? ` - ${url}` : "";
      return `\nWARNING: ${ruleName}${address}\n${detail}\n${excerptOf(answer, location)}`;
    })
    .join("");
}

/** Why it cannot be built, with the lines that say so; empty when it can. */
export function printLintError(answer: LintAnswer): string {
  const { buildError } = answer;
  return buildError ? `${buildError.message}\n${excerptOf(answer, buildError.location)}` : "";
}

function excerptOf({ sources }: LintAnswer, location: AnswerLocation | undefined): string {
  const source = sources?.[location?.sourceIndex ?? 0];
  if (!source || !location?.ranges) return "";
  return renderExcerpt({
    filename: source.filename,
    text: Buffer.from(source.data, "base64").toString("utf8"),
    ranges: location.ranges.map(({ start, end }) => ({ first: start.line, last: end.line })),
  });
}

/** Tables of what people can choose, each followed by an empty line. */
export function printOutline({ name = "", description = "", args, secrets, ssh }: OutlineAnswer): string {
  const parts: string[] = [];
  if (name !== "" || description !== "") {
    const rows = [["TARGET:", name || "(default)"]];
    if (description !== "") rows.push(["DESCRIPTION:", description]);
    parts.push(renderTable(rows, 1));
  }
  if (args?.length) {
    const rows = args.map((arg) => [arg.name, arg.value ?? "", arg.description ?? ""]);
    parts.push(renderTable([["BUILD ARG", "VALUE", "DESCRIPTION"], ...rows], 3));
  }
  for (const [title, wanted] of [["SECRET", secrets] as const, ["SSH", ssh] as const]) {
    if (!wanted?.length) continue;
    const rows = wanted.map((one) => [one.name, one.required ? "true" : ""]);
    parts.push(renderTable([[title, "REQUIRED"], ...rows], 3));
  }
  return parts.map((part) => `${part}\n`).join("");
}

/** The stages that can be built. */
export function printTargets({ targets }: TargetsAnswer): string {
  const rows = (targets ?? []).map(({ name = "", default: isDefault = false, description = "" }) => {
    const shown = isDefault ? `${name} (default)`.trim() : name;
    return [shown, description];
  });
  return renderTable([["TARGET", "DESCRIPTION"], ...rows], 1);
}

/** The requests that a frontend answers. */
export function printDescribed(requests: readonly DescribedRequest[]): string {
  const rows = requests.map(({ name, version, description }) => [
    name.replace(/^frontend\./, ""),
    version,
    description,
  ]);
  return renderTable([["NAME", "VERSION", "DESCRIPTION"], ...rows], 1);
}
