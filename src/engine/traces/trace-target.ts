import { BuildError } from "../../base/errors/mod.ts";
import { parseGoBool } from "../../base/text/go-values/mod.ts";

/** A collector of OpenTelemetry that the engine's traces go to. */
export interface TraceTarget {
  readonly protocol: "grpc" | "http/protobuf";
  /** `http:` or `https:`; for gRPC, `unix:` as well, and of the others only host and port count. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Where OpenTelemetry's variables send traces, with buildkitd's meanings: `OTEL_TRACES_EXPORTER=otlp`, or an endpoint, turns it on.
 * @returns `undefined` where nobody asks for it
 * @throws {BuildError} `invalid_argument` for what cannot be meant, unless `OTEL_IGNORE_ERROR` says to go without
 */
export function traceTarget(env: Readonly<Record<string, string | undefined>>): TraceTarget | undefined {
  try {
    return readTarget(env);
  } catch (error) {
    if (parseGoBool(env["OTEL_IGNORE_ERROR"] ?? "") === true) return undefined;
    throw error;
  }
}

function readTarget(env: Readonly<Record<string, string | undefined>>): TraceTarget | undefined {
  const own = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] ?? "";
  const common = env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "";
  const exporter = env["OTEL_TRACES_EXPORTER"] ?? "";
  if (exporter === "none" || (exporter === "" && own === "" && common === "")) return undefined;
  if (exporter !== "" && exporter !== "otlp") throw invalid(`unsupported opentelemetry exporter ${exporter}`);
  const said = (name: string) => env[`OTEL_EXPORTER_OTLP_TRACES_${name}`] || env[`OTEL_EXPORTER_OTLP_${name}`] || "";
  const protocol = said("PROTOCOL") || "grpc";
  if (protocol !== "grpc" && protocol !== "http/protobuf") throw invalid(`unsupported otlp protocol ${protocol}`);
  const isPlain = said("INSECURE").toLowerCase() === "true" || (own === "" && common === "");
  const port = protocol === "grpc" ? 4317 : 4318;
  const text = own || common || `localhost:${port}`;
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${isPlain ? "http" : "https"}://${text}`);
  const schemes = protocol === "grpc" ? ["http:", "https:", "unix:"] : ["http:", "https:"];
  if (!url || !schemes.includes(url.protocol)) throw invalid(`invalid address of a collector of traces: ${text}`);
  // What is for all signals gets the signal's path; what is for traces alone is taken as it is.
  if (protocol === "http/protobuf" && own === "") url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  return { protocol, url, headers: readHeaders(said("HEADERS")) };
}

/** `key=value,key=value`, values percent-encoded. */
function readHeaders(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at <= 0) throw invalid(`invalid header of traces: ${JSON.stringify(pair)}: want key=value`);
      try {
        return [pair.slice(0, at).trim().toLowerCase(), decodeURIComponent(pair.slice(at + 1).trim())] as const;
      } catch {
        throw invalid(`invalid header of traces: ${JSON.stringify(pair)}: not percent-encoded`);
      }
    }),
  );
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
