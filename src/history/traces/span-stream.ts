import { BuildError, messageOf } from "../../base/errors/mod.ts";

/** A name and a value of the type that is told with it, for instance `STRING`, `INT64` or `STRINGSLICE`. */
export interface AttributeJson {
  readonly Key: string;
  readonly Value: { readonly Type: string; readonly Value: unknown };
}

/** A span as others refer to it, in hexadecimal digits; zeros: there is none. */
export interface SpanContextJson {
  readonly TraceID: string;
  readonly SpanID: string;
  readonly TraceFlags: string;
}

/** A span as BuildKit stores it: OpenTelemetry's Go library spells it like that. Times are RFC 3339. */
export interface SpanJson {
  readonly Name: string;
  readonly SpanContext: SpanContextJson;
  readonly Parent: SpanContextJson;
  readonly SpanKind: number;
  readonly StartTime: string;
  readonly EndTime: string;
  readonly Attributes: readonly AttributeJson[] | null;
  readonly Events:
    | readonly {
        readonly Name: string;
        readonly Attributes: readonly AttributeJson[] | null;
        readonly DroppedAttributeCount: number;
        readonly Time: string;
      }[]
    | null;
  readonly Links: readonly { readonly SpanContext: SpanContextJson }[] | null;
  /** By name, or by number: 1 is an error, 2 is fine. */
  readonly Status: { readonly Code: string | number; readonly Description: string };
  readonly Resource: readonly AttributeJson[] | null;
  readonly InstrumentationLibrary: { readonly Name: string; readonly Version: string };
}

/** Reads objects of JSON that stand one after the other. @throws {BuildError} `invalid_argument` */
export function splitSpans(bytes: Uint8Array): readonly SpanJson[] {
  const spans: SpanJson[] = [];
  let begin = 0;
  let depth = 0;
  let inText = false;
  for (let at = 0; at < bytes.byteLength; at++) {
    const byte = bytes[at];
    if (inText) {
      if (byte === backslash) at++;
      else if (byte === quote) inText = false;
    } else if (byte === quote) inText = true;
    else if (byte === open) {
      if (depth++ === 0) begin = at;
    } else if (byte === close && --depth === 0) spans.push(parse(bytes.subarray(begin, at + 1)));
  }
  if (depth !== 0 || inText) throw new BuildError("invalid_argument", "the trace is cut off");
  return spans;
}

const [open, close, quote, backslash] = Buffer.from('{}"\\');

function parse(bytes: Uint8Array): SpanJson {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as SpanJson;
  } catch (cause) {
    throw new BuildError("invalid_argument", `the trace is damaged: ${messageOf(cause)}`, { cause });
  }
}
