import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { plainPalette } from "../format/colors.ts";
import { TerminalLines } from "../logs/terminal-lines.ts";
import type { SolveStatus } from "../status.ts";
import { item, message, ms, step, warning } from "../testing/messages.ts";
import { reduce } from "../view/reduce.ts";
import { emptyView } from "../view/view.ts";
import { type FrameOptions, layoutFrame } from "./layout.ts";

function frame(status: SolveStatus, options: Partial<FrameOptions> = {}): string[] {
  return layoutFrame(reduce(emptyView, status).view, {
    width: 60,
    height: 24,
    now: ms(2000),
    description: "embedded:default",
    palette: plainPalette,
    logs: new Map(),
    logLines: 6,
    final: false,
    ...options,
  });
}

suite("layoutFrame()", () => {
  test("shows steps, their items and how long they take", () => {
    const status = message({
      vertexes: [
        step("a", "[internal] load x", { start: 0, stop: 40 }),
        step("b", "[1/2] FROM y", { start: 0, stop: 0 }, { cached: true }),
        step("c", "[2/2] RUN z", { start: 500 }),
        step("d", "not yet"),
      ],
      statuses: [item("a", "transferring dockerfile:", { current: 56n }, { start: 0, stop: 10 })],
    });
    assert.deepEqual(frame(status), [
      "[+] Building 2.0s (2/4)                     embedded:default",
      " => [internal] load x                                   0.0s",
      " => => transferring dockerfile: 56B                     0.0s",
      " => CACHED [1/2] FROM y                                 0.0s",
      " => [2/2] RUN z                                         1.5s",
    ]);
  });
  test("marks what failed, what was cancelled and remarks", () => {
    const status = message({
      vertexes: [
        step("a", "A", { start: 0, stop: 100 }, { error: "exit code: 1" }),
        step("b", "B", { start: 0, stop: 100 }, { error: "context canceled" }),
      ],
      warnings: [warning("a", "odd")],
    });
    const names = frame(status)
      .slice(1)
      .map((line) => line.slice(0, 20).trimEnd());
    assert.deepEqual(names, [" => ERROR A", " => WARN: odd", " => CANCELED B"]);
  });
  test("says FINISHED in the last frame, and only when all steps are", () => {
    const done = message({ vertexes: [step("a", "A", { start: 0, stop: 100 })] });
    assert.match(
      frame(done, { final: true })[0] ?? "",
      /^\[\+\] Building 2\.0s \(1\/1\) FINISHED {2,}embedded:default$/,
    );
    const open = message({ vertexes: [step("a", "A", { start: 0, stop: 100 }), step("b", "B")] });
    assert.doesNotMatch(frame(open, { final: true })[0] ?? "", /FINISHED/);
  });
  test("never makes a line wider than the window, and cuts names rather than times", () => {
    const status = message({
      vertexes: [step("a", `RUN ${"x".repeat(200)}`, { start: 0 }), step("b", "日本".repeat(40), { start: 0 })],
    });
    for (const line of frame(status)) assert.ok(line.length <= 60, line);
    assert.match(frame(status)[1] ?? "", /^ => RUN x+ {3}2\.0s$/);
    assert.match(frame(status)[2] ?? "", /2\.0s$/);
  });
  test("takes what could move the cursor out of names", () => {
    const [, row] = frame(message({ vertexes: [step("a", "RUN \x1b[2Jx\ry\tz", { start: 0 })] }));
    assert.match(row ?? "", /^ => RUN xy z /);
  });
  test("shows running steps in place of finished ones where the screen is low", () => {
    const vertexes = [
      step("run", "RUNNING", { start: 0 }),
      ...Array.from({ length: 20 }, (_, i) => step(`${i}`, `step ${i}`, { start: 1, stop: 2 })),
    ];
    const rows = frame(message({ vertexes }), { height: 10 });
    assert.equal(rows.length, 9);
    assert.match(rows[1] ?? "", /RUNNING/);
    assert.match(rows[8] ?? "", /step 19/);
    assert.equal(frame(message({ vertexes }), { height: 10, final: true }).length, 22);
  });
  test("shows the last lines of a running step's log", () => {
    const log = new TerminalLines(2);
    log.write(new TextEncoder().encode("one\ntwo\n10%\r50%\nthree"));
    const rows = frame(message({ vertexes: [step("a", "A", { start: 0 })] }), { logs: new Map([["a", log]]) });
    assert.deepEqual(rows.slice(2), [" => => # 50%", " => => # three"]);
    const done = frame(message({ vertexes: [step("a", "A", { start: 0, stop: 1 })] }), { logs: new Map([["a", log]]) });
    assert.equal(done.length, 2);
  });
});
