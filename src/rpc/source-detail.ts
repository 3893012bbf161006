import { type ErrorDetail, joinLines, type Position, type SourceRange } from "../base/errors/mod.ts";

/** How BuildKit names the detail that points into a source text. */
export const sourceDetailType = "github.com/moby/buildkit/errdefs.Source+json";

/** JSON of `errdefs.Source` as far as it is read here: keys are the field names, zero values are absent. */
interface SourceJson {
  readonly info?: {
    readonly filename?: string;
    readonly data?: string;
    readonly definition?: object;
    readonly language?: string;
  } | null;
  readonly ranges?:
    | readonly ({ readonly start?: PositionJson | null; readonly end?: PositionJson | null } | null)[]
    | null;
}
type PositionJson = Partial<Position>;

/** Places in one source text as an error detail: a range for each line, as BuildKit has them. */
export function encodeSourceDetail(ranges: readonly [SourceRange, ...SourceRange[]]): ErrorDetail {
  const { filename, text = "", definition, language } = ranges[0];
  const json: SourceJson = {
    info: {
      ...(filename !== "" && { filename }),
      ...(text !== "" && { data: Buffer.from(text).toString("base64") }),
      ...(definition && { definition }),
      ...(language !== undefined && { language }),
    },
    ranges: ranges.map(({ start, end }) => ({ start: positionJson(start), end: positionJson(end) })),
  };
  return { typeUrl: sourceDetailType, value: Buffer.from(JSON.stringify(json)) };
}

/** The lines of a range, one by one. */
export function linesOf(range: SourceRange): readonly [SourceRange, ...SourceRange[]] {
  const { start, end } = range;
  if (end.line <= start.line) return [range];
  const between = Array.from({ length: end.line - start.line }, (_, at): SourceRange => {
    const line = { line: start.line + 1 + at, character: 0 };
    return { ...range, start: line, end: line.line === end.line ? end : line };
  });
  return [{ ...range, end: start }, ...between];
}

/** The place that a detail points to; `undefined` when it is another kind of detail or makes no sense. */
export function decodeSourceDetail(detail: ErrorDetail): SourceRange | undefined {
  if (detail.typeUrl !== sourceDetailType) return undefined;
  let json: SourceJson;
  try {
    json = JSON.parse(Buffer.from(detail.value).toString()) as SourceJson;
  } catch {
    return undefined;
  }
  const { filename, data, language } = json?.info ?? {};
  if (typeof filename !== "string" || !Array.isArray(json.ranges)) return undefined;
  const ranges = (json.ranges as NonNullable<SourceJson["ranges"]>).flatMap((range): SourceRange[] => {
    if (!range) return [];
    const [start, end] = [position(range.start), position(range.end ?? range.start)];
    const text = typeof data === "string" ? { text: Buffer.from(data, "base64").toString() } : {};
    return [{ filename, start, end, ...text, ...(typeof language === "string" && { language }) }];
  });
  return joinLines(ranges);
}

function positionJson({ line, character }: Position): PositionJson {
  return { ...(line !== 0 && { line }), ...(character !== 0 && { character }) };
}

function position(json: PositionJson | null | undefined): Position {
  return { line: Number(json?.line ?? 0), character: Number(json?.character ?? 0) };
}
