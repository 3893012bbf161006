import assert from "node:assert/strict";
import { test } from "node:test";
import { sanitizedImports, sanitizedTrace } from "./sanitize.ts";

test("of imported caches only the place is told", () => {
  const entries = [
    { Type: "gha", Attrs: { scope: "main", ref: "x", token: "secret", url: "https://cache" } },
    { Type: "inline" },
  ];
  assert.deepEqual(JSON.parse(sanitizedImports(JSON.stringify(entries))), [
    { Type: "gha", Attrs: { ref: "x", scope: "main" } },
    { Type: "inline", Attrs: {} },
  ]);
  assert.equal(sanitizedImports("no JSON: secret"), "");
});

test("a trace has no passwords in its attributes", () => {
  const token = `ghs_${"a".repeat(36)}`;
  const span = {
    Name: "build",
    Attributes: [
      { Key: "command", Value: { Type: "STRING", Value: `--cache-to=type=gha,token=abc,SESSION_TOKEN=d x ${token}` } },
      { Key: "code", Value: { Type: "INT64", Value: 0 } },
    ],
  };
  const [first] = Buffer.from(sanitizedTrace(Buffer.from(JSON.stringify(span))))
    .toString()
    .split(/(?<=^\})\n/m);
  assert.deepEqual(JSON.parse(first ?? "").Attributes, [
    { Key: "command", Value: { Type: "STRING", Value: "--cache-to=type=gha,token=xxxxx,SESSION_TOKEN=xxxxx x xxxxx" } },
    { Key: "code", Value: { Type: "INT64", Value: 0 } },
  ]);
});
