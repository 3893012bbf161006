/**
 * What took how long in a build, as spans of OpenTelemetry: the engine's own steps, and what clients and processes report of themselves.
 *
 * ```ts
 * const traces = new TraceRecorder({ now });                    // one per engine, bounded
 * using trace = new BuildTrace(traces, parseTraceparent(header));
 * trace.observe(statusMessage);                                 // each step that ends becomes a span
 * trace.end(failure);
 * for (const span of trace.spans()) write(span);                // JSON, as BuildKit stores it
 * ```
 */
export { BuildTrace } from "./build-trace.ts";
export { encodeSpan, type ReportedSpan } from "./span-json.ts";
export { formatTraceparent, parseTraceparent, type TraceContext } from "./trace-context.ts";
export { TraceRecorder } from "./trace-recorder.ts";
export { TraceSender } from "./trace-sender.ts";
export { type TraceTarget, traceTarget } from "./trace-target.ts";
export { tracedRoutes } from "./traced-routes.ts";
export { traceService } from "./trace-service.ts";
