import { traceService as api } from "../../api/mod.ts";
import { type Route, service } from "../../rpc/mod.ts";
import type { TraceRecorder } from "./trace-recorder.ts";

/** OpenTelemetry's collector: takes what clients, and what runs in steps, report of themselves. */
export function traceService(recorder: TraceRecorder): readonly Route[] {
  return service(api.TraceService, {
    export: ({ resourceSpans }) => {
      let rejected = 0n;
      for (const { resource, scopeSpans } of resourceSpans) {
        for (const { scope, spans, schemaUrl } of scopeSpans) {
          for (const span of spans) if (!recorder.add({ span, resource, scope, schemaUrl })) rejected++;
        }
      }
      if (rejected === 0n) return {};
      return { partialSuccess: { rejectedSpans: rejected, errorMessage: "the trace has too many spans" } };
    },
  });
}
