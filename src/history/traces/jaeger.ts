import type { AttributeJson, SpanContextJson, SpanJson } from "./span-stream.ts";

/** A name and a value, as Jaeger has them. */
export interface JaegerTag {
  readonly key: string;
  readonly type: "string" | "bool" | "int64" | "float64";
  readonly value: unknown;
}

/** A span of a {@link JaegerTrace}. Times are microseconds. */
export interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly flags?: number;
  readonly operationName: string;
  readonly references: readonly {
    readonly refType: "CHILD_OF" | "FOLLOWS_FROM";
    readonly traceID: string;
    readonly spanID: string;
  }[];
  /** Since 1970. */
  readonly startTime: number;
  readonly duration: number;
  readonly tags: readonly JaegerTag[];
  readonly logs: readonly { readonly timestamp: number; readonly fields: readonly JaegerTag[] }[] | null;
  readonly processID: string;
  readonly warnings: null;
}

/** A trace in the form that Jaeger's UI takes. */
export interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string; readonly tags: readonly JaegerTag[] }>>;
  readonly warnings: null;
}

const kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const internal = 1;

/** Turns spans into Jaeger's form; the trace is called as the first one says. There must be one. */
export function toJaeger(spans: readonly SpanJson[]): JaegerTrace {
  const processes: Record<string, JaegerTrace["processes"][string]> = {};
  const ids = new Map<string, string>();
  const processOf = (resource: SpanJson["Resource"]): string => {
    const key = JSON.stringify(resource);
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = `p${ids.size}`;
    ids.set(key, id);
    const name = resource?.find(({ Key }) => Key === "service.name")?.Value.Value;
    const tags = (resource ?? []).filter(({ Key }) => Key !== "service.name").map(tagOf);
    processes[id] = { serviceName: typeof name === "string" && name !== "" ? name : "unknown_service", tags };
    return id;
  };
  const converted = spans.map((span) => ({ ...convert(span), processID: processOf(span.Resource) }));
  return { traceID: converted[0]?.traceID ?? "", spans: converted, processes, warnings: null };
}

function convert(span: SpanJson): Omit<JaegerSpan, "processID"> {
  const { SpanContext: self, Parent, Links, Events } = span;
  const startTime = microseconds(span.StartTime);
  const flags = Number.parseInt(self.TraceFlags, 16);
  const reference = (refType: "CHILD_OF" | "FOLLOWS_FROM", { TraceID, SpanID }: SpanContextJson) => ({
    refType,
    traceID: TraceID,
    spanID: SpanID,
  });
  return {
    traceID: self.TraceID,
    spanID: self.SpanID,
    ...(flags > 0 ? { flags } : {}),
    operationName: span.Name,
    references: [
      ...(Links ?? []).map(({ SpanContext }) => reference("FOLLOWS_FROM", SpanContext)),
      reference("CHILD_OF", Parent),
    ],
    startTime,
    duration: microseconds(span.EndTime) - startTime,
    tags: [...(span.Attributes ?? []).map(tagOf), ...ownTags(span)],
    logs:
      Events?.map(({ Name, Attributes, DroppedAttributeCount, Time }) => ({
        timestamp: microseconds(Time),
        fields: [
          ...(Name === "" ? [] : [text("event", Name)]),
          ...(Attributes ?? []).map(tagOf),
          ...(DroppedAttributeCount > 0
            ? [{ key: "otel.event.dropped_attributes_count", type: "int64" as const, value: DroppedAttributeCount }]
            : []),
        ],
      })) ?? null,
    warnings: null,
  };
}

/** What spans have besides attributes. */
function ownTags({ InstrumentationLibrary, SpanKind, Status }: SpanJson): readonly JaegerTag[] {
  const { Name, Version } = InstrumentationLibrary;
  const code = typeof Status.Code === "string" ? Status.Code : ["Unset", "Error", "Ok"][Status.Code];
  return [
    ...(Name === "" ? [] : [text("otel.library.name", Name)]),
    ...(Name === "" || Version === "" ? [] : [text("otel.library.version", Version)]),
    ...(SpanKind === internal ? [] : [text("span.kind", kinds[SpanKind] ?? "unspecified")]),
    ...(code === "Ok" ? [text("otel.status_code", "OK")] : []),
    ...(code === "Error"
      ? [{ key: "error", type: "bool" as const, value: true }, text("otel.status_code", "ERROR")]
      : []),
    ...(code === "Unset" || Status.Description === "" ? [] : [text("otel.status_description", Status.Description)]),
  ];
}

function text(key: string, value: string): JaegerTag {
  return { key, type: "string", value };
}

function tagOf({ Key: key, Value: { Type, Value: value } }: AttributeJson): JaegerTag {
  switch (Type) {
    case "BOOL":
      return { key, type: "bool", value };
    case "INT64":
      return { key, type: "int64", value };
    case "FLOAT64":
      return { key, type: "float64", value };
    default:
      return text(key, typeof value === "string" ? value : JSON.stringify(value));
  }
}

/** RFC 3339 with up to nanoseconds. */
function microseconds(time: string): number {
  const [, seconds = "", fraction = "", zone = "Z"] = /^([^.Z+]*\d\d:\d\d:\d\d)(?:\.(\d+))?(.*)$/.exec(time) ?? [];
  return Date.parse(`${seconds}${zone}`) * 1000 + Number(fraction.slice(0, 6).padEnd(6, "0"));
}
