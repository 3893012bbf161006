import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { SolveStatus } from "../status.ts";
import { item, log, message, step, warning } from "../testing/messages.ts";
import { safeText } from "../format/safe-text.ts";
import { reduce } from "../view/reduce.ts";
import { emptyView } from "../view/view.ts";
import { PlainPrinter } from "./plain-printer.ts";

/** Prints messages at given times (in milliseconds) and gives the text. */
function printed(...messages: [number, SolveStatus][]): string {
  let now = 0;
  const chunks: Buffer[] = [];
  const printer = new PlainPrinter({
    write: (text) => chunks.push(Buffer.from(text as string)),
    now: () => now,
    description: 'building with "b" instance using d driver',
    safe: (text) => safeText(text),
    rawLogs: true,
  });
  let view = emptyView;
  for (const [at, status] of messages) {
    now = at;
    const reduction = reduce(view, status);
    view = reduction.view;
    printer.add(status, reduction);
    printer.print();
  }
  printer.finish();
  return Buffer.concat(chunks).toString();
}
const head = '#0 building with "b" instance using d driver\n\n';

suite("PlainPrinter", () => {
  test("numbers steps as they first speak, and separates them by an empty line", () => {
    const text = printed(
      [0, message({ vertexes: [step("later", "[2/2] RUN x"), step("first", "[internal] load x", { start: 0 })] })],
      [10, message({ statuses: [item("first", "transferring dockerfile:", { current: 56n }, { start: 0, stop: 5 })] })],
      [20, message({ vertexes: [step("first", "[internal] load x", { start: 0, stop: 15 })] })],
      [30, message({ vertexes: [step("later", "[2/2] RUN x", { start: 20, stop: 20 }, { cached: true })] })],
    );
    const want =
      "#1 [internal] load x\n#1 transferring dockerfile: 56B done\n#1 DONE 0.0s\n\n#2 [2/2] RUN x\n#2 CACHED\n";
    assert.equal(text, head + want);
  });
  test("puts the time since the step's start before each line of its log, and joins pieces of a line", () => {
    const text = printed(
      [0, message({ vertexes: [step("a", "RUN a", { start: 0 })] })],
      [1, message({ logs: [log("a", 123, "one\ntw"), log("a", 200, "o\nthree")] })],
      [2, message({ logs: [log("a", 12_345, "!\nfour\n")] })],
      [3, message({ vertexes: [step("a", "RUN a", { start: 0, stop: 20_000 })] })],
    );
    assert.equal(text, `${head}#1 RUN a\n#1 0.123 one\n#1 0.123 two\n#1 0.200 three!\n#1 12.35 four\n#1 DONE 20.0s\n`);
  });
  test("ends an unfinished line before anything else is said", () => {
    const text = printed(
      [0, message({ vertexes: [step("a", "RUN a", { start: 0 })], logs: [log("a", 1, "no end")] })],
      [1, message({ vertexes: [step("a", "RUN a", { start: 0, stop: 10 })] })],
    );
    assert.equal(text, `${head}#1 RUN a\n#1 0.001 no end\n#1 DONE 0.0s\n`);
  });
  test("says when the word passes from a step that is not done, and repeats its name and open line later", () => {
    const text = printed(
      [0, message({ vertexes: [step("a", "RUN a", { start: 0 })], logs: [log("a", 1, "half")] })],
      [5, message({ vertexes: [step("b", "RUN b", { start: 2, stop: 4 })] })],
      [9, message({ logs: [log("a", 7, " line\n")] })],
    );
    const want = "#1 RUN a\n#1 0.001 half\n#1 ...\n\n#2 RUN b\n#2 DONE 0.0s\n\n#1 RUN a\n#1 0.001 half line\n";
    assert.equal(text, head + want);
  });
  test("tells errors, cancelled steps and remarks", () => {
    const text = printed(
      [
        0,
        message({
          vertexes: [step("a", "A", { start: 0 }), step("b", "B", { start: 0 })],
          warnings: [warning("a", "odd")],
        }),
      ],
      [1, message({ vertexes: [step("a", "A", { start: 0, stop: 1 }, { error: "exit code: 2" })] })],
      [2, message({ vertexes: [step("b", "B", { start: 0, stop: 2 }, { error: "x: context canceled" })] })],
    );
    assert.equal(text, `${head}#1 A\n#1 WARN: odd\n#1 ERROR: exit code: 2\n\n#2 B\n#2 CANCELED\n`);
  });
  test("prints an item again when it has moved by a twentieth, after five seconds, and at its end", () => {
    const at = (current: bigint, stop?: number) =>
      message({
        statuses: [
          item("a", "layer", { current, total: 1000n }, { start: 0, ...(stop === undefined ? {} : { stop }) }),
        ],
      });
    const text = printed(
      [0, message({ vertexes: [step("a", "A", { start: 0 })] })],
      [5, at(10n)],
      [6, at(20n)],
      [7, at(90n)],
      [8, at(100n)],
      [5100, at(101n)],
      [5101, at(1000n, 5101)],
    );
    assert.equal(
      text,
      `${head}#1 A\n#1 layer 10B / 1.00kB\n#1 layer 90B / 1.00kB\n#1 layer 101B / 1.00kB 5.1s\n#1 layer 1.00kB / 1.00kB 5.1s done\n`,
    );
  });
  test("passes bytes of logs on as they are where nobody sees them on a terminal", () => {
    const text = printed([
      0,
      message({ vertexes: [step("a", "A", { start: 0 })], logs: [log("a", 0, "\x1b[31mred\x1b]0;title\x07\n")] }),
    ]);
    assert.match(text, /\x1b\[31mred\x1b\]0;title\x07\n/);
  });

  test("prints steps that it hears of together in the order in which they ended", () => {
    const vertexes = [
      step("c", "third", { start: 5, stop: 9 }),
      step("a", "first", { start: 0, stop: 3 }),
      step("b", "second", { start: 1, stop: 8 }),
    ];
    const names = printed([10, message({ vertexes })]).match(/^#\d \w+$/gm);
    assert.deepEqual(names, ["#1 first", "#2 second", "#3 third"]);
  });
});
