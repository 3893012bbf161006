import assert from "node:assert/strict";
import { test } from "node:test";
import { Screen } from "./screen.ts";

function draws(...frames: [string[], number][]): string[] {
  const written: string[] = [];
  const screen = new Screen((text) => written.push(text));
  for (const [lines, columns] of frames) screen.draw(lines, columns);
  return written;
}

test("Screen writes a frame in one go, over the frame before it", () => {
  const [first, second] = draws([["a", "b"], 80], [["c"], 80]);
  assert.equal(first, "\x1b[?25l\ra\x1b[K\nb\x1b[K\n\x1b[J\x1b[?25h");
  assert.equal(second, "\x1b[?25l\x1b[2A\rc\x1b[K\n\x1b[J\x1b[?25h");
});

test("Screen goes up by the rows that lines take since the window became narrower", () => {
  const [, second] = draws([["x".repeat(70), "\x1b[34mshort\x1b[0m"], 80], [["y"], 40]);
  assert.match(second ?? "", /^\x1b\[\?25l\x1b\[3A\r/);
});
