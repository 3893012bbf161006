import type { ExecMount } from "../../executor/mod.ts";
import type { OpEnvironment } from "../environment.ts";

/** Where a process finds the engine's collector. */
const target = "/dev/otel-grpc.sock";

/** What tells OpenTelemetry's libraries where to report to; a step that has an opinion of its own keeps it. */
const settings: Readonly<Record<string, string>> = {
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `unix://${target}`,
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "grpc",
};

/**
 * What a step gets so that its processes can report what they do as parts of the build's trace. It changes no cache key: what a step makes of its
 * trace is its own affair.
 * @param env of the step, `NAME=value` each
 */
export function traceReport(
  trace: ReturnType<NonNullable<OpEnvironment["trace"]>>,
  env: readonly string[],
): { readonly env: readonly string[]; readonly mounts: readonly ExecMount[] } {
  if (!trace) return { env: [], mounts: [] };
  const known = new Set(env.map((entry) => entry.split("=", 1)[0]));
  const missing = Object.entries(settings).filter(([name]) => !known.has(name));
  return {
    env: [...missing.map(([name, value]) => `${name}=${value}`), `TRACEPARENT=${trace.traceparent}`],
    mounts: [{ type: "bind", source: trace.socket, target, readonly: true }],
  };
}
