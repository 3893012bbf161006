import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultRetryPolicy, isTransientStatus, nextDelayMs } from "./retry.ts";

test("delays double, and end with the attempts", () => {
  const delays = [1, 2, 3, 4].map((attempt) => nextDelayMs(defaultRetryPolicy, attempt));
  assert.deepEqual(delays, [250, 500, 1000, undefined]);
});

test("Retry-After is followed, in seconds or as a date, unless it asks for too much", () => {
  const now = Date.parse("2024-01-01T00:00:00Z");
  assert.equal(nextDelayMs(defaultRetryPolicy, 1, "2", now), 2000);
  assert.equal(nextDelayMs(defaultRetryPolicy, 1, "Mon, 01 Jan 2024 00:00:03 GMT", now), 3000);
  assert.equal(nextDelayMs(defaultRetryPolicy, 1, "Sun, 31 Dec 2023 00:00:00 GMT", now), 0);
  assert.equal(nextDelayMs(defaultRetryPolicy, 1, "nonsense", now), 250);
  assert.equal(nextDelayMs(defaultRetryPolicy, 1, "3600", now), undefined);
  assert.equal(nextDelayMs(defaultRetryPolicy, 4, "2", now), undefined);
});

test("refusals are final", () => {
  assert.deepEqual([200, 400, 401, 403, 404, 408, 429, 500, 501, 503].filter(isTransientStatus), [408, 429, 500, 503]);
});
