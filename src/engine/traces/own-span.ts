import { create } from "../../base/protobuf/mod.ts";
import { trace, traceCommon, traceResource } from "../../api/mod.ts";
import type { ReportedSpan } from "./span-json.ts";
import type { TraceContext } from "./trace-context.ts";

/** A stretch of the engine's own work. Times are nanoseconds since 1970. */
export interface OwnSpan {
  readonly self: TraceContext;
  readonly parent: TraceContext | undefined;
  readonly name: string;
  /** A call that is served; else work inside of one. */
  readonly isCall?: boolean;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** What went wrong, if something did. */
  readonly error?: string | undefined;
}

const resource = create(traceResource.ResourceSchema, { attributes: attributesOf({ "service.name": "polyarchd" }) });
const { SERVER, INTERNAL } = trace.Span_SpanKind;

/** The engine's own work in the form in which clients report theirs. */
export function ownSpan({ self, parent, name, isCall, startNs, endNs, attributes, error }: OwnSpan): ReportedSpan {
  const span = create(trace.SpanSchema, {
    traceId: bytesOf(self.traceId),
    spanId: bytesOf(self.spanId),
    ...(parent ? { parentSpanId: bytesOf(parent.spanId) } : {}),
    name,
    kind: isCall ? SERVER : INTERNAL,
    startTimeUnixNano: startNs,
    endTimeUnixNano: endNs,
    attributes: attributesOf(attributes ?? {}),
    ...(error === undefined ? {} : { status: { code: trace.Status_StatusCode.ERROR, message: error } }),
  });
  return { span, resource, scope: undefined };
}

/** Milliseconds since 1970 as spans count them. */
export function nanoseconds(ms: number): bigint {
  return BigInt(ms) * 1_000_000n;
}

function attributesOf(attributes: Readonly<Record<string, string | number>>): traceCommon.KeyValue[] {
  return Object.entries(attributes).map(([key, value]) =>
    create(traceCommon.KeyValueSchema, {
      key,
      value: {
        value: typeof value === "string" ? { case: "stringValue", value } : { case: "intValue", value: BigInt(value) },
      },
    }),
  );
}

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(hex, "hex"));
}
