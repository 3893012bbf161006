import assert from "node:assert/strict";
import { test } from "node:test";
import { toJaeger } from "./jaeger.ts";
import { type AttributeJson, type SpanJson, splitSpans } from "./span-stream.ts";
import { tracePage } from "./trace-page.ts";

const traceId = "0555ce1903feb85770d102846273073b";
const attribute = (Key: string, Type: string, Value: unknown): AttributeJson => ({ Key, Value: { Type, Value } });
const context = (SpanID: string) => ({ TraceID: traceId, SpanID, TraceFlags: "01" });
const span = (id: string, parent: string, more: Partial<SpanJson> = {}): SpanJson => ({
  Name: `name of ${id}`,
  SpanContext: context(id),
  Parent: context(parent),
  SpanKind: 1,
  StartTime: "2024-01-12T14:57:40.147265775Z",
  EndTime: "2024-01-12T14:57:42Z",
  Attributes: null,
  Events: null,
  Links: null,
  Status: { Code: "Unset", Description: "" },
  Resource: [attribute("service.name", "STRING", "buildx"), attribute("host", "STRING", "h")],
  InstrumentationLibrary: { Name: "", Version: "" },
  ...more,
});

test("spans stand one after the other, however they are laid out", () => {
  const name = 'with } and { and "quotes\\" and \\';
  const text = [
    JSON.stringify(span("a", "")),
    JSON.stringify(span("b", "", { Name: name }), undefined, 2),
    JSON.stringify(span("c", "")),
  ];
  const bytes = Buffer.from(`${text[0]}${text[1]}\n\n${text[2]}\n`);
  const spans = splitSpans(bytes);
  assert.deepEqual(
    spans.map(({ SpanContext }) => SpanContext.SpanID),
    ["a", "b", "c"],
  );
  assert.equal(spans[1]?.Name, name);
  assert.deepEqual(splitSpans(Buffer.from("")), []);
  assert.throws(() => splitSpans(bytes.subarray(0, 100)), /the trace is cut off/);
  assert.throws(() => splitSpans(Buffer.from("{no}")), /the trace is damaged/);
});

test("Jaeger's form has times in microseconds, tags by type, and one process for each program", () => {
  const trace = toJaeger([
    span("a", "0000000000000000", {
      SpanKind: 3,
      Attributes: [
        attribute("text", "STRING", "x"),
        attribute("yes", "BOOL", true),
        attribute("count", "INT64", 3),
        attribute("list", "STRINGSLICE", ["x", "y"]),
      ],
      Events: [
        {
          Name: "message",
          Attributes: [attribute("id", "INT64", 1)],
          DroppedAttributeCount: 0,
          Time: "2024-01-12T14:57:41+00:00",
        },
      ],
      Links: [{ SpanContext: context("z") }],
      InstrumentationLibrary: { Name: "library", Version: "1" },
    }),
    span("b", "a", { Status: { Code: 1, Description: "no" }, Resource: null }),
    span("c", "a"),
  ]);
  const [a, b, c] = trace.spans;
  assert.equal(trace.traceID, traceId);
  assert.deepEqual([a?.startTime, a?.duration], [1_705_071_460_147_265, 1_852_735]);
  assert.deepEqual(a?.references, [
    { refType: "FOLLOWS_FROM", traceID: traceId, spanID: "z" },
    { refType: "CHILD_OF", traceID: traceId, spanID: "0000000000000000" },
  ]);
  const text = (key: string, value: string) => ({ key, type: "string", value });
  assert.deepEqual(a?.tags, [
    text("text", "x"),
    { key: "yes", type: "bool", value: true },
    { key: "count", type: "int64", value: 3 },
    text("list", '["x","y"]'),
    text("otel.library.name", "library"),
    text("otel.library.version", "1"),
    text("span.kind", "client"),
  ]);
  assert.deepEqual(a?.logs, [
    { timestamp: 1_705_071_461_000_000, fields: [text("event", "message"), { key: "id", type: "int64", value: 1 }] },
  ]);
  assert.deepEqual(b?.tags, [
    { key: "error", type: "bool", value: true },
    text("otel.status_code", "ERROR"),
    text("otel.status_description", "no"),
  ]);
  assert.deepEqual([a?.processID, b?.processID, c?.processID], ["p0", "p1", "p0"]);
  assert.deepEqual(trace.processes["p0"], { serviceName: "buildx", tags: [text("host", "h")] });
});

test("the page shows each span below the one that it is part of, and takes no text for HTML", () => {
  const late = { StartTime: "2024-01-12T14:57:41Z" };
  const page = tracePage([
    toJaeger([
      span("c", "b", { Name: "<script>" }),
      span("d", "a", { ...late, Name: "second" }),
      span("b", "a", { Name: "first" }),
      span("a", "gone", { Name: "whole", Status: { Code: "Error", Description: "" } }),
      span("e", "e", { ...late, Name: "own parent" }),
    ]),
  ]);
  const rows = [...page.matchAll(/<tr( class="error")?[^]*?padding-left:(\d+)px">(.*?) <small>/g)];
  assert.deepEqual(
    rows.map(([, error, left, name]) => [name, Number(left), error !== undefined]),
    [
      ["whole", 6, true],
      ["first", 20, false],
      ["&#60;script&#62;", 34, false],
      ["second", 20, false],
      ["own parent", 6, false],
    ],
  );
  assert.match(page, /margin-left:46\.0\d+%;width:53\.9\d+%/);
});
