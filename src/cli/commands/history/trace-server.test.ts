import assert from "node:assert/strict";
import { test } from "node:test";
import type { JaegerTrace } from "../../../history/mod.ts";
import { serveTraces } from "./trace-server.ts";

const trace = (traceID: string): JaegerTrace => ({ traceID, spans: [], processes: {}, warnings: null });

test("traces are served as a page, and one by one as Jaeger's UI asks for them", async () => {
  await using server = await serveTraces([trace("aa"), trace("bb")], "127.0.0.1:0");
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+\/trace\/aa\.\.\.bb$/);
  const page = await fetch(new URL("/", server.url));
  assert.equal(page.url, server.url);
  assert.match(await page.text(), /<h1>aa<\/h1>[^]*<h1>bb<\/h1>/);
  const data = await fetch(new URL("/api/traces/bb", server.url));
  assert.deepEqual(await data.json(), { data: [trace("bb")] });
  assert.equal((await fetch(new URL("/api/traces/cc", server.url))).status, 404);
  await assert.rejects(serveTraces([], new URL(server.url).host), /bind: address already in use/);
  await assert.rejects(serveTraces([], "nowhere"), /want host and port/);
});
