import assert from "node:assert/strict";
import { test } from "node:test";
import { item, message, ms, step, warning } from "../testing/messages.ts";
import { encodeRawJson } from "./encode.ts";

test("encodeRawJson() leaves out what is empty and keeps every byte of a log", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  const line = encodeRawJson(
    message({
      vertexes: [step("sha256:a", "A", { start: 1000 }, { inputs: ["sha256:b"] })],
      statuses: [item("sha256:a", "layer", { current: 0n, total: 10n }, { start: 1000, stop: 2000 })],
      logs: [{ vertex: "sha256:a", stream: 2, data: bytes, timestamp: ms(1500) }],
      warnings: [warning("sha256:a", "odd", { url: "https://x" })],
    }),
  );
  assert.ok(line.endsWith("}\n"));
  const json = JSON.parse(line);
  assert.deepEqual(json.vertexes, [
    { digest: "sha256:a", inputs: ["sha256:b"], name: "A", started: "1970-01-01T00:00:01Z" },
  ]);
  assert.deepEqual(json.statuses, [
    {
      id: "layer",
      vertex: "sha256:a",
      total: 10,
      current: 0,
      timestamp: "1970-01-01T00:00:02Z",
      started: "1970-01-01T00:00:01Z",
      completed: "1970-01-01T00:00:02Z",
    },
  ]);
  assert.deepEqual(new Uint8Array(Buffer.from(json.logs[0].data, "base64")), bytes);
  assert.deepEqual(json.warnings, [{ vertex: "sha256:a", level: 1, short: "b2Rk", url: "https://x" }]);
  assert.equal(encodeRawJson(message({})), "{}\n");
});
