import { trace, type traceCommon, type traceResource } from "../../api/mod.ts";

/** A span with what it was reported with. */
export interface ReportedSpan {
  readonly span: trace.Span;
  readonly resource: traceResource.Resource | undefined;
  readonly scope: traceCommon.InstrumentationScope | undefined;
  /** Of the scope. */
  readonly schemaUrl?: string;
}

const noTrace = "0".repeat(32);
const noSpan = "0".repeat(16);
const { OK, ERROR } = trace.Status_StatusCode;

/**
 * A span as one line of JSON, in the form of `application/vnd.buildkit.otlp.json.v0`: one object after the other, spelled as in OpenTelemetry's
 * library for Go, where ids are hexadecimal and times are RFC 3339.
 */
export function encodeSpan({ span, resource, scope, schemaUrl = "" }: ReportedSpan): Uint8Array {
  const traceId = hex(span.traceId);
  const hasParent = span.parentSpanId.byteLength > 0;
  const json = {
    Name: span.name,
    SpanContext: contextJson(traceId, hex(span.spanId), span.traceState, false),
    Parent: hasParent
      ? contextJson(traceId, hex(span.parentSpanId), "", false)
      : contextJson(noTrace, noSpan, "", false),
    SpanKind: span.kind,
    StartTime: timeJson(span.startTimeUnixNano),
    EndTime: timeJson(span.endTimeUnixNano),
    Attributes: attributesJson(span.attributes),
    Events: listJson(span.events, ({ name, attributes, droppedAttributesCount, timeUnixNano }) => ({
      Name: name,
      Attributes: attributesJson(attributes),
      DroppedAttributeCount: droppedAttributesCount,
      Time: timeJson(timeUnixNano),
    })),
    Links: listJson(span.links, ({ traceId, spanId, traceState, attributes, droppedAttributesCount }) => ({
      SpanContext: contextJson(hex(traceId), hex(spanId), traceState, false),
      Attributes: attributesJson(attributes),
      DroppedAttributeCount: droppedAttributesCount,
    })),
    Status: { Code: statusName(span.status?.code), Description: span.status?.message ?? "" },
    DroppedAttributes: span.droppedAttributesCount,
    DroppedEvents: span.droppedEventsCount,
    DroppedLinks: span.droppedLinksCount,
    ChildSpanCount: 0,
    Resource: attributesJson(resource?.attributes ?? []),
    InstrumentationLibrary: {
      Name: scope?.name ?? "",
      Version: scope?.version ?? "",
      SchemaURL: schemaUrl,
      Attributes: attributesJson(scope?.attributes ?? []),
    },
  };
  return Buffer.from(`${JSON.stringify(json)}\n`);
}

function contextJson(TraceID: string, SpanID: string, TraceState: string, Remote: boolean): unknown {
  return { TraceID, SpanID, TraceFlags: "01", TraceState, Remote };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** RFC 3339 with nanoseconds. */
function timeJson(ns: bigint): string {
  const whole = new Date(Number(ns / 1_000_000_000n) * 1000);
  // A time that no calendar knows comes from outside.
  const seconds = Number.isNaN(whole.getTime()) || whole.getUTCFullYear() > 9999 ? new Date(0) : whole;
  const fraction = String(ns % 1_000_000_000n).padStart(9, "0");
  return `${seconds.toISOString().slice(0, 19)}.${fraction}`.replace(/\.?0*$/, "").concat("Z");
}

function statusName(code: trace.Status_StatusCode | undefined): string {
  return code === OK ? "Ok" : code === ERROR ? "Error" : "Unset";
}

/** Go's empty list is `null`. */
function listJson<A>(list: readonly A[], change: (item: A) => unknown): readonly unknown[] | null {
  return list.length === 0 ? null : list.map(change);
}

function attributesJson(attributes: readonly traceCommon.KeyValue[]): readonly unknown[] | null {
  return listJson(attributes, ({ key, value }) => ({ Key: key, Value: valueJson(value) }));
}

function valueJson(value: traceCommon.AnyValue | undefined): { readonly Type: string; readonly Value: unknown } {
  const { value: held } = value ?? {};
  switch (held?.case) {
    case "boolValue":
      return { Type: "BOOL", Value: held.value };
    case "intValue":
      return Number.isSafeInteger(Number(held.value))
        ? { Type: "INT64", Value: Number(held.value) }
        : { Type: "STRING", Value: String(held.value) };
    case "doubleValue":
      return Number.isFinite(held.value)
        ? { Type: "FLOAT64", Value: held.value }
        : { Type: "STRING", Value: String(held.value) };
    case "stringValue":
      return { Type: "STRING", Value: held.value };
    case "arrayValue":
      return arrayJson(held.value.values.map(valueJson));
    case "bytesValue":
      return { Type: "STRING", Value: Buffer.from(held.value).toString("base64") };
    case "kvlistValue":
      return { Type: "STRING", Value: JSON.stringify(attributesJson(held.value.values)) };
    default:
      return { Type: "STRING", Value: "" };
  }
}

/** Readers know lists of texts well, and some of them fall over the others: those are told as texts. */
function arrayJson(items: readonly { readonly Value: unknown }[]): { readonly Type: string; readonly Value: unknown } {
  const texts = items.map(({ Value }) => (typeof Value === "string" ? Value : JSON.stringify(Value)));
  return { Type: "STRINGSLICE", Value: texts };
}
