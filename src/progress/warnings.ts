import { renderExcerpt } from "../base/text/source-excerpt/mod.ts";
import type { VertexWarning } from "./status.ts";
import { type ProgressView, startedVertexes } from "./view/view.ts";

/** What stands below a build that gave warnings: how many, and each in a line; in debug mode with all that belongs to it. */
export function renderWarnings(
  view: ProgressView,
  options: { debug: boolean; safe: (text: string) => string },
): string {
  const warnings = distinct(startedVertexes(view).flatMap((vertex) => vertex.warnings));
  if (warnings.length === 0) return "";
  const count = `${warnings.length} warning${warnings.length === 1 ? "" : "s"} found`;
  const head = `\n ${count}${options.debug ? "" : " (use docker --debug to expand)"}:\n`;
  return head + warnings.map((warning) => render(warning, options)).join("");
}

function render(warning: VertexWarning, { debug, safe }: { debug: boolean; safe: (text: string) => string }): string {
  const short = ` - ${safe(text(warning.short))}\n`;
  if (!debug) return short;
  const detail = warning.detail.map((line) => `${safe(text(line))}\n`).join("");
  const more = warning.url === "" ? "" : `More info: ${safe(warning.url)}\n`;
  return `${short}${detail}${more}${excerpt(warning, safe)}\n`;
}

function excerpt({ source, ranges }: VertexWarning, safe: (text: string) => string): string {
  if (!source) return "";
  return renderExcerpt({
    filename: source.filename,
    text: safeLines(text(source.text), safe),
    ranges: ranges.map(({ start, end }) => ({ first: start.line, last: end.line })),
  });
}

const safeLines = (whole: string, safe: (text: string) => string) => whole.split("\n").map(safe).join("\n");

/** A message that had to be split on the wire repeats its warnings. */
function distinct(warnings: readonly VertexWarning[]): VertexWarning[] {
  const seen = new Set<string>();
  return warnings.filter((warning) => {
    const key = JSON.stringify([text(warning.short), warning.url, warning.detail.map(text), warning.ranges]);
    return !seen.has(key) && seen.add(key);
  });
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}
