import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { suite, test } from "node:test";
import { type DisplayOptions, openDisplay } from "./display.ts";
import { chooseMode } from "./mode.ts";
import { log, message, step, warning } from "./testing/messages.ts";

function display(mode: DisplayOptions["mode"], more: Partial<DisplayOptions> = {}) {
  const output = new PassThrough();
  let text = "";
  output.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const shown = openDisplay({
    mode,
    output,
    env: {},
    now: () => new Date(),
    builder: { name: "default", driver: "embedded" },
    ...more,
  });
  return { update: shown.update.bind(shown), finish: shown.finish.bind(shown), text: () => text };
}

suite("openDisplay()", () => {
  test("ends with the last lines of each step that failed by itself", () => {
    const shown = display("plain");
    const lines = Array.from({ length: 12 }, (_, at) => `line ${at}\n`).join("");
    shown.update(
      message({
        vertexes: [step("a", "[1/1] RUN make", { start: 0 }), step("b", "B", { start: 0 })],
        logs: [log("a", 100, lines)],
      }),
    );
    shown.update(
      message({
        vertexes: [
          step("a", "[1/1] RUN make", { start: 0, stop: 200 }, { error: "exit code: 2" }),
          step("b", "B", { start: 0, stop: 200 }, { error: "context canceled" }),
        ],
      }),
    );
    shown.finish();
    const block = shown.text().split("------\n")[1] ?? "";
    assert.deepEqual(block.trimEnd().split("\n"), [
      " > [1/1] RUN make:",
      ...Array.from({ length: 10 }, (_, at) => `0.100 line ${at + 2}`),
    ]);
    assert.equal(shown.text().split("------\n").length, 3, "no block for what was cancelled");
  });
  test("lists warnings once, in full in debug mode", () => {
    const warned = message({
      vertexes: [step("a", "A", { start: 0, stop: 1 })],
      warnings: [
        warning("a", "odd", { url: "https://x", detail: [new TextEncoder().encode("because")] }),
        warning("a", "odd", { url: "https://x", detail: [new TextEncoder().encode("because")] }),
      ],
    });
    const brief = display("plain");
    brief.update(warned);
    brief.finish();
    assert.ok(brief.text().endsWith("\n 1 warning found (use docker --debug to expand):\n - odd\n"), brief.text());
    const full = display("plain", { debug: true });
    full.update(warned);
    full.finish();
    assert.match(full.text(), / - odd\nbecause\nMore info: https:\/\/x\n/);
  });
  test("writes JSON lines and nothing else in rawjson, and nothing at all in quiet", () => {
    const raw = display("rawjson");
    raw.update(message({ vertexes: [step("a", "A", { start: 0 })] }));
    raw.finish();
    assert.equal(JSON.parse(raw.text()).vertexes[0].name, "A");
    const quiet = display("quiet");
    quiet.update(message({ vertexes: [step("a", "A", { start: 0 }, { error: "x" })] }));
    quiet.finish();
    assert.equal(quiet.text(), "");
  });
});

test("chooseMode() draws on terminals, writes lines elsewhere, and listens to BUILDKIT_PROGRESS only for auto", () => {
  assert.equal(chooseMode("auto", { env: {}, isTty: true }), "tty");
  assert.equal(chooseMode("auto", { env: {}, isTty: false }), "plain");
  assert.equal(chooseMode("auto", { env: { BUILDKIT_PROGRESS: "rawjson" }, isTty: true }), "rawjson");
  assert.equal(chooseMode("plain", { env: { BUILDKIT_PROGRESS: "rawjson" }, isTty: true }), "plain");
  assert.throws(() => chooseMode("fancy", { env: {}, isTty: true }), { message: "invalid progress mode fancy" });
  assert.throws(() => chooseMode("tty", { env: {}, isTty: false }), { message: /not a console/ });
});
