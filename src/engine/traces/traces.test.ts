import assert from "node:assert/strict";
import { duplexPair } from "node:stream";
import { suite, test } from "node:test";
import { control, trace, traceCommon, traceService as api } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { create, type MessageInitShape } from "../../base/protobuf/mod.ts";
import { connect, createClient, createRpcServer, service } from "../../rpc/mod.ts";
import {
  BuildTrace,
  encodeSpan,
  formatTraceparent,
  parseTraceparent,
  type ReportedSpan,
  tracedRoutes,
  TraceRecorder,
  traceService,
} from "./mod.ts";

const traceId = "0555ce1903feb85770d102846273073b";
const caller = { traceId, spanId: "c1b335eeeaf56405" };

interface SpanJson {
  readonly Name: string;
  readonly SpanContext: { readonly TraceID: string; readonly SpanID: string };
  readonly Parent: { readonly SpanID: string };
  readonly Attributes: readonly { readonly Key: string; readonly Value: { readonly Value: unknown } }[] | null;
  readonly Status: { readonly Code: string; readonly Description: string };
}
const decode = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as SpanJson;

const reported = (init: MessageInitShape<typeof trace.SpanSchema>): ReportedSpan => ({
  span: create(trace.SpanSchema, { traceId: bytes(traceId), spanId: bytes("1f64b377d3d03600"), ...init }),
  resource: undefined,
  scope: undefined,
});
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

suite("traces", () => {
  test("traceparent is read and written as W3C says, and what makes no sense is none", () => {
    assert.deepEqual(parseTraceparent(formatTraceparent(caller)), caller);
    assert.deepEqual(parseTraceparent(`cc-${traceId}-${caller.spanId}-00-more`), caller);
    for (const bad of [
      undefined,
      "",
      `00-${traceId}-${caller.spanId}`,
      `ff-${traceId}-${caller.spanId}-01`,
      `00-${traceId.toUpperCase()}-${caller.spanId}-01`,
      `00-${"0".repeat(32)}-${caller.spanId}-01`,
      `00-${traceId}-${"0".repeat(16)}-01`,
    ]) {
      assert.equal(parseTraceparent(bad), undefined, String(bad));
    }
  });

  test("spans are spelled as BuildKit spells them", () => {
    const value = (held: MessageInitShape<typeof traceCommon.AnyValueSchema>["value"]) => ({ value: held as never });
    const json = JSON.parse(
      Buffer.from(
        encodeSpan(
          reported({
            name: "resolve",
            parentSpanId: bytes(caller.spanId),
            kind: trace.Span_SpanKind.CLIENT,
            startTimeUnixNano: 1_705_071_460_147_265_775n,
            endTimeUnixNano: 1_705_071_461_000_000_000n,
            attributes: [
              { key: "text", value: value({ case: "stringValue", value: "a" }) },
              { key: "small", value: value({ case: "intValue", value: -3n }) },
              { key: "large", value: value({ case: "intValue", value: 2n ** 60n }) },
              { key: "yes", value: value({ case: "boolValue", value: true }) },
              {
                key: "list",
                value: value({
                  case: "arrayValue",
                  value: {
                    values: [value({ case: "stringValue", value: "x" }), value({ case: "intValue", value: 1n })],
                  },
                } as never),
              },
            ],
            events: [{ name: "message", timeUnixNano: 1_705_071_460_500_000_000n }],
            status: { code: trace.Status_StatusCode.ERROR, message: "no" },
          }),
        ),
      ).toString(),
    );
    const context = (TraceID: string, SpanID: string) => ({
      TraceID,
      SpanID,
      TraceFlags: "01",
      TraceState: "",
      Remote: false,
    });
    assert.deepEqual(json, {
      Name: "resolve",
      SpanContext: context(traceId, "1f64b377d3d03600"),
      Parent: context(traceId, caller.spanId),
      SpanKind: 3,
      StartTime: "2024-01-12T14:57:40.147265775Z",
      EndTime: "2024-01-12T14:57:41Z",
      Attributes: [
        { Key: "text", Value: { Type: "STRING", Value: "a" } },
        { Key: "small", Value: { Type: "INT64", Value: -3 } },
        { Key: "large", Value: { Type: "STRING", Value: "1152921504606846976" } },
        { Key: "yes", Value: { Type: "BOOL", Value: true } },
        { Key: "list", Value: { Type: "STRINGSLICE", Value: ["x", "1"] } },
      ],
      Events: [{ Name: "message", Attributes: null, DroppedAttributeCount: 0, Time: "2024-01-12T14:57:40.5Z" }],
      Links: null,
      Status: { Code: "Error", Description: "no" },
      DroppedAttributes: 0,
      DroppedEvents: 0,
      DroppedLinks: 0,
      ChildSpanCount: 0,
      Resource: null,
      InstrumentationLibrary: { Name: "", Version: "", SchemaURL: "", Attributes: null },
    });
    assert.match(Buffer.from(encodeSpan(reported({ startTimeUnixNano: 2n ** 63n }))).toString(), /"StartTime":"2262-/);
  });

  test("a build's steps are spans below its own, which is below its caller's; what was cached is none", () => {
    const recorder = new TraceRecorder({ now: () => new Date(5000) });
    using build = new BuildTrace(recorder, { parent: caller, now: () => new Date(5000) });
    const at = (seconds: bigint) => ({ seconds, nanos: 0 });
    build.observe(
      create(control.StatusResponseSchema, {
        vertexes: [
          { digest: "sha256:a", name: "RUN a", started: at(1n) },
          { digest: "sha256:a", name: "RUN a", started: at(1n), completed: at(2n), error: "exit code: 1" },
          { digest: "sha256:b", name: "RUN b", started: at(1n), completed: at(1n), cached: true },
        ],
        statuses: [
          { ID: "sha256:1", vertex: "sha256:a", name: "downloading", started: at(1n) },
          { ID: "sha256:1", vertex: "sha256:a", name: "downloading", started: at(1n), completed: at(2n) },
        ],
      }),
    );
    build.end(new BuildError("unknown", "failed to solve"));
    const [step, item, whole, ...more] = build.spans().map(decode);
    assert.deepEqual([step?.Name, item?.Name, more.length], ["RUN a", "downloading sha256:1", 0]);
    assert.equal(step?.SpanContext.SpanID, build.step("sha256:a").spanId);
    assert.deepEqual(step?.Attributes, [{ Key: "vertex", Value: { Type: "STRING", Value: "sha256:a" } }]);
    assert.deepEqual(step?.Status, { Code: "Error", Description: "exit code: 1" });
    assert.equal(item?.Parent.SpanID, step?.SpanContext.SpanID);
    assert.equal(step?.Parent.SpanID, build.self.spanId);
    assert.deepEqual([whole?.SpanContext.SpanID, whole?.SpanContext.TraceID], [build.self.spanId, traceId]);
    assert.equal(whole?.Parent.SpanID, caller.spanId);
  });

  test("what clients report and the calls that they make belong to the trace that they name", async () => {
    const recorder = new TraceRecorder({ now: () => new Date() });
    using listener = recorder.listen(traceId);
    const fails = service(control.Control, {
      info: () => {
        throw new BuildError("not_found", "no");
      },
    });
    const routes = [...tracedRoutes(fails, recorder, { now: () => new Date() }), ...traceService(recorder)];
    await using server = createRpcServer({ services: [routes] });
    const [ours, theirs] = duplexPair();
    void server.attach(ours);
    const channel = connect({ open: async () => theirs, redial: false });
    try {
      const client = createClient(control.Control, channel);
      await assert.rejects(client.info({}, { headers: { traceparent: formatTraceparent(caller) } }));
      await assert.rejects(client.info({}));
      const collector = createClient(api.TraceService, channel);
      const resourceSpans = (span: ReportedSpan["span"]) => ({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
      assert.equal(
        (await collector.export(resourceSpans(reported({ name: "theirs" }).span))).partialSuccess,
        undefined,
      );
      const { partialSuccess } = await collector.export(resourceSpans(reported({ spanId: bytes("00") }).span));
      assert.equal(partialSuccess?.rejectedSpans, 1n);
    } finally {
      await channel.close();
    }
    const [call, told, ...more] = listener.spans().map(decode);
    assert.deepEqual(
      [call?.Name, call?.Parent.SpanID, call?.Status.Code, told?.Name, more.length],
      ["moby.buildkit.v1.Control/Info", caller.spanId, "Error", "theirs", 0],
    );
  });

  test("memory is bounded: by trace, for all, and in time for what belongs to no build", () => {
    let ms = 0;
    const recorder = new TraceRecorder({ now: () => new Date(ms) });
    const megabyte = "x".repeat(1024 * 1024);
    const fill = (id: number) => {
      const traceId = bytes(String(id).padStart(32, "0"));
      let kept = 0;
      while (kept < 100 && recorder.add(reported({ traceId, name: megabyte }))) kept++;
      return kept;
    };
    const count = (id: number) => {
      using listener = recorder.listen(String(id).padStart(32, "0"));
      return listener.spans().length;
    };
    using wanted = recorder.listen("1".padStart(32, "0"));
    assert.equal(fill(1), 7);
    for (let id = 2; id < 20; id++) assert.equal(fill(id), 7);
    assert.equal(count(2), 0);
    assert.equal(wanted.spans().length, 7);
    assert.equal(count(19), 7);
    fill(20);
    ms += 61_000;
    recorder.add(reported({}));
    assert.equal(count(20), 0);
    assert.equal(wanted.spans().length, 7);
  });
});
