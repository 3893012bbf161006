import type { ErrorDetail, SourceRange } from "../base/errors/mod.ts";

/** How BuildKit names the detail that points into a source text. */
export const sourceDetailType = "github.com/moby/buildkit/errdefs.Source+json";

/** JSON of `errdefs.Source` as far as it is read here: keys are the field names, zero values are absent. */
interface SourceJson {
  readonly info?: { readonly filename?: string; readonly data?: string } | null;
  readonly ranges?:
    | readonly ({ readonly start?: PositionJson | null; readonly end?: PositionJson | null } | null)[]
    | null;
}
interface PositionJson {
  readonly line?: number;
  readonly character?: number;
}

/** A place in a source text as an error detail. */
export function encodeSourceDetail(range: SourceRange): ErrorDetail {
  const json: SourceJson = {
    info: {
      filename: range.filename,
      ...(range.text === undefined ? {} : { data: Buffer.from(range.text).toString("base64") }),
    },
    ranges: [{ start: range.start, end: range.end }],
  };
  return { typeUrl: sourceDetailType, value: Buffer.from(JSON.stringify(json)) };
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
  const range = json?.ranges?.[0];
  const filename = json?.info?.filename;
  if (typeof filename !== "string" || !range) return undefined;
  const data = json.info?.data;
  return {
    filename,
    start: position(range.start),
    end: position(range.end ?? range.start),
    ...(typeof data === "string" ? { text: Buffer.from(data, "base64").toString() } : {}),
  };
}

function position(json: PositionJson | null | undefined): { line: number; character: number } {
  return { line: Number(json?.line ?? 0), character: Number(json?.character ?? 0) };
}
