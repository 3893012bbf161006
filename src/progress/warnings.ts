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
  const head = `\n ${count}${options.debug ? "" : " (use --debug to expand)"}:\n`;
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
  const first = ranges[0]?.start.line;
  if (!source || first === undefined || first < 1) return "";
  const last = Math.max(...ranges.map(({ end }) => end.line), first);
  const lines = text(source.text).split("\n");
  const shown = lines
    .map((line, at) => ({ number: at + 1, line }))
    .filter(({ number }) => number >= first - 2 && number <= last + 2)
    .map(
      ({ number, line }) =>
        ` ${String(number).padStart(3)} | ${number >= first && number <= last ? ">>>" : "   "} ${safe(line)}`,
    );
  const frame = "-".repeat(20);
  return [`${source.filename}:${first}`, frame, ...shown, frame, ""].join("\n");
}

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
