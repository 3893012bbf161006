import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBytes } from "./bytes.ts";
import { paletteFromEnv } from "./colors.ts";
import { cutToWidth, safeText, textWidth } from "./safe-text.ts";
import { formatLogTime, formatRfc3339 } from "./time.ts";

test("formatBytes() counts in powers of 1000", () => {
  const cases: [bigint, string][] = [
    [0n, "0B"],
    [999n, "999B"],
    [1000n, "1.00kB"],
    [3_370_000n, "3.37MB"],
    [29_540_000_000n, "29.54GB"],
  ];
  for (const [bytes, want] of cases) assert.equal(formatBytes(bytes), want);
});

test("formatLogTime() loses digits as seconds grow", () => {
  assert.deepEqual([1_234_000_000n, 12_345_000_000n, 123_456_000_000n].map(formatLogTime), ["1.234", "12.35", "123.5"]);
});

test("formatRfc3339() keeps every nanosecond and no zero more", () => {
  assert.equal(formatRfc3339(1_700_000_000_123_456_789n), "2023-11-14T22:13:20.123456789Z");
  assert.equal(formatRfc3339(1_700_000_000_500_000_000n), "2023-11-14T22:13:20.5Z");
  assert.equal(formatRfc3339(1_700_000_000_000_000_000n), "2023-11-14T22:13:20Z");
});

test("safeText() takes out what talks to the terminal", () => {
  const cases: [string, string][] = [
    ["plain\ttext", "plain\ttext"],
    ["\x1b[31mred\x1b[0m", "red"],
    ["a\x1b[2J\x1b[Hb", "ab"],
    ["a\x1b]0;title\x07b", "ab"],
    ["a\x1b]8;;http://x\x1b\\b", "ab"],
    ["a\x1bPq#0\x1b\\b", "ab"],
    ["a\rb\x08c\x00d\x9b31md", "abcdd"],
    ["left\u202eright", "leftright"],
    ["end\x1b", "end"],
    ["end\x1b[3", "end"],
  ];
  for (const [text, want] of cases) assert.equal(safeText(text), want, JSON.stringify(text));
  assert.equal(safeText("\x1b[1;31mred\x1b[0m\x1b[2J", { colors: true }), "\x1b[1;31mred\x1b[0m");
});

test("cutToWidth() never cuts through a wide letter", () => {
  assert.equal(textWidth("日本"), 4);
  assert.equal(cutToWidth("日本", 3), "日");
  assert.equal(cutToWidth("abc", 5), "abc");
});

test("paletteFromEnv() reads names and red, green and blue, and reports what it cannot read", () => {
  assert.equal(paletteFromEnv({ NO_COLOR: "1", BUILDKIT_COLORS: "run=red" }).palette.roles.run, "");
  const { palette, warnings } = paletteFromEnv({ BUILDKIT_COLORS: "run=light-green:error=1,2,3:cancel=nope:x=red" });
  assert.deepEqual(palette.roles, {
    run: "\x1b[92m",
    error: "\x1b[38;2;1;2;3m",
    cancel: "\x1b[33m",
    warning: "\x1b[33m",
  });
  assert.equal(warnings.length, 2);
});
