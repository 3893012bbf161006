import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { trace, traceService as api } from "../../api/mod.ts";
import { create, fromBinary } from "../../base/protobuf/mod.ts";
import { createRpcServer, service } from "../../rpc/mod.ts";
import { TraceRecorder } from "./trace-recorder.ts";
import { TraceSender } from "./trace-sender.ts";
import { traceTarget } from "./trace-target.ts";

const span = (name: string) => ({
  span: create(trace.SpanSchema, { traceId: new Uint8Array(16).fill(1), spanId: new Uint8Array(8).fill(2), name }),
  resource: undefined,
  scope: undefined,
});

function target(env: Readonly<Record<string, string>>) {
  const found = traceTarget(env);
  return found && { ...found, url: found.url.href };
}

test("traceTarget() reads OpenTelemetry's variables as buildkitd does", () => {
  assert.equal(target({}), undefined);
  assert.equal(target({ OTEL_TRACES_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://a:1" }), undefined);
  assert.deepEqual(target({ OTEL_TRACES_EXPORTER: "otlp" }), {
    protocol: "grpc",
    url: "http://localhost:4317/",
    headers: {},
  });
  const http = { OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf", OTEL_EXPORTER_OTLP_HEADERS: "A=b%20c, d=e" };
  assert.deepEqual(target({ ...http, OTEL_EXPORTER_OTLP_ENDPOINT: "http://a:1/x" }), {
    protocol: "http/protobuf",
    url: "http://a:1/x/v1/traces",
    headers: { a: "b c", d: "e" },
  });
  assert.equal(target({ ...http, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://a/t" })?.url, "https://a/t");
  assert.equal(target({ OTEL_EXPORTER_OTLP_ENDPOINT: "a:1" })?.url, "https://a:1/");
  const plain = { OTEL_EXPORTER_OTLP_ENDPOINT: "a:1", OTEL_EXPORTER_OTLP_INSECURE: "true" };
  assert.equal(target(plain)?.url, "http://a:1/");
  const zipkin = { OTEL_TRACES_EXPORTER: "zipkin" };
  assert.throws(() => target(zipkin), { message: "unsupported opentelemetry exporter zipkin" });
  assert.equal(target({ ...zipkin, OTEL_IGNORE_ERROR: "1" }), undefined);
  const json = { OTEL_TRACES_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" };
  assert.throws(() => target(json), { message: "unsupported otlp protocol http/json" });
});

test("spans reach a collector over gRPC, with the headers that it wants", async () => {
  const got: string[] = [];
  await using rpc = createRpcServer({
    services: [
      service(api.TraceService, {
        export: ({ resourceSpans }, { requestHeaders }) => {
          const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
          got.push(requestHeaders.get("key") ?? "", ...spans.map(({ name }) => name));
          return {};
        },
      }),
    ],
  });
  const server = createServer();
  rpc.serve(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://127.0.0.1:${port}`);
  {
    await using sender = new TraceSender({ protocol: "grpc", url, headers: { key: "secret" } });
    const recorder = new TraceRecorder({ now: () => new Date(), onSpan: (reported) => sender.add(reported) });
    recorder.add(span("one"));
    recorder.add(span("two"));
  }
  server.close();
  assert.deepEqual(got, ["secret", "one", "two"]);
});

test("spans reach a collector over HTTP; one that is not there does no harm", async () => {
  const got: string[] = [];
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { resourceSpans } = fromBinary(api.ExportTraceServiceRequestSchema, Buffer.concat(chunks));
      const names = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
      got.push(request.url ?? "", ...names.map(({ name }) => name));
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://127.0.0.1:${port}/v1/traces`);
  {
    await using sender = new TraceSender({ protocol: "http/protobuf", url, headers: {} });
    sender.add(span("one"));
  }
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual(got, ["/v1/traces", "one"]);
  await using gone = new TraceSender({ protocol: "grpc", url, headers: {} });
  gone.add(span("lost"));
});
