import { createHash, randomBytes } from "node:crypto";

/**
 * A span as others refer to it.
 * @see https://www.w3.org/TR/trace-context/
 */
export interface TraceContext {
  /** 32 hexadecimal digits, lower case. */
  readonly traceId: string;
  /** 16 hexadecimal digits, lower case. */
  readonly spanId: string;
}

/** Reads the header `traceparent`; `undefined` when it is missing or makes no sense, which harms nobody. */
export function parseTraceparent(header: string | undefined): TraceContext | undefined {
  const [, traceId = "", spanId = ""] =
    /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}(?:-.*)?$/.exec(header ?? "") ?? [];
  return /[^0]/.test(traceId) && /[^0]/.test(spanId) ? { traceId, spanId } : undefined;
}

/** The header that makes others continue a trace. */
export function formatTraceparent({ traceId, spanId }: TraceContext): string {
  return `00-${traceId}-${spanId}-01`;
}

/** A new span: of the trace that `parent` belongs to, or of a new one. */
export function newSpan(parent: TraceContext | undefined): TraceContext {
  return { traceId: parent?.traceId ?? randomBytes(16).toString("hex"), spanId: randomBytes(8).toString("hex") };
}

/** A span below `parent` that has the same id whoever works it out. */
export function namedSpan(parent: TraceContext, name: string): TraceContext {
  const hash = createHash("sha256").update(`${parent.traceId} ${parent.spanId} ${name}`).digest("hex");
  return { traceId: parent.traceId, spanId: hash.slice(0, 16) };
}
