import { BuildError } from "../../base/errors/mod.ts";
import type { SourceMark } from "../../base/text/source-excerpt/mod.ts";

const sourceType = "github.com/moby/buildkit/errdefs.Source+json";

/** The places in source texts that an error names, outermost first: typed details from the wire, or a location of our own. */
export function sourceMarks(error: unknown): SourceMark[] {
  const marks: SourceMark[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 20; at = at.cause, depth++) {
    if (!(at instanceof BuildError)) continue;
    for (const detail of at.details) {
      const mark = detail.typeUrl === sourceType ? decodeMark(detail.value) : undefined;
      if (mark) marks.push(mark);
    }
    if (marks.length === 0 && at.location?.text !== undefined) {
      const { filename, text, start, end } = at.location;
      marks.push({ filename, text, ranges: [{ first: start.line, last: end.line }] });
    }
    if (marks.length > 0) return marks;
  }
  return marks;
}

/** Reads a detail that came from outside; what does not look like one is passed over. */
function decodeMark(value: Uint8Array): SourceMark | undefined {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(value));
  } catch {
    return undefined;
  }
  const info = field(json, "info");
  const filename = field(info, "filename");
  const data = field(info, "data");
  const ranges = field(json, "ranges");
  if (typeof data !== "string" || !Array.isArray(ranges)) return undefined;
  return {
    filename: typeof filename === "string" ? filename : "Dockerfile",
    text: Buffer.from(data, "base64").toString("utf8"),
    ranges: ranges.flatMap((range) => {
      const first = line(field(range, "start"));
      const last = line(field(range, "end")) ?? first;
      return first === undefined || last === undefined ? [] : [{ first, last: Math.max(first, last) }];
    }),
  };
}

function line(position: unknown): number | undefined {
  const value = field(position, "line");
  return typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
