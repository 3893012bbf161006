import assert from "node:assert/strict";
import { test } from "node:test";
import { limitLog, type LogLimits } from "./log-limit.ts";

function logOf(limits: LogLimits, steps: readonly (readonly [seconds: number, text: string])[]): string {
  let now = 0;
  let out = "";
  const write = limitLog(
    (data) => {
      out += new TextDecoder().decode(data);
    },
    limits,
    () => new Date(now * 1000),
  );
  for (const [seconds, text] of steps) {
    now = seconds;
    write(new TextEncoder().encode(text));
  }
  return out;
}

test("a step's log ends at its size, and says so once", () => {
  const limits = { maxBytes: 4, maxBytesPerSecond: -1 };
  assert.equal(logOf(limits, [[0, "abc"]]), "abc");
  assert.equal(
    logOf(limits, [
      [0, "abc"],
      [1, "def"],
      [2, "ghi"],
    ]),
    "abcd\n[output clipped, log limit 4B reached]\n",
  );
});

test("a step that is too fast loses what is too much, and is heard again later", () => {
  const limits = { maxBytes: -1, maxBytesPerSecond: 1024 };
  const big = "x".repeat(1024);
  assert.equal(
    logOf(limits, [
      [0.1, `${big}lost`],
      [0.5, "lost too"],
      [1.5, "heard"],
    ]),
    `${big}\n[output clipped, log limit 1KiB/s reached]\nheard`,
  );
});

test("the limits are BuildKit's unless told otherwise", () => {
  const clipped = logOf({}, [[0, "x".repeat(300 * 1024)]]);
  assert.match(clipped.slice(200 * 1024), /^\n\[output clipped, log limit 200KiB\/s reached\]\n$/);
  const long = Array.from({ length: 30 }, (_, at) => [at, "x".repeat(100 * 1024)] as const);
  assert.match(logOf({}, long), /x\n\[output clipped, log limit 2MiB reached\]\n$/);
});
