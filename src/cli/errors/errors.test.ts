import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { BuildError } from "../../base/errors/mod.ts";
import { renderError } from "./print-error.ts";
import { renderExcerpt } from "../../base/text/source-excerpt/mod.ts";

suite("renderExcerpt()", () => {
  const text = "FROM alpine\nRUN a\nRUN b\nRUN c\nRUN d\nRUN e\n";
  const cases: [string, { first: number; last: number }, string[]][] = [
    [
      "two lines on each side of one",
      { first: 4, last: 4 },
      ["  2 |     RUN a", "  3 |     RUN b", "  4 | >>> RUN c", "  5 |     RUN d", "  6 |     RUN e"],
    ],
    [
      "more below where there is nothing above",
      { first: 1, last: 1 },
      ["  1 | >>> FROM alpine", "  2 |     RUN a", "  3 |     RUN b"],
    ],
    [
      "one line on each side of several",
      { first: 3, last: 4 },
      ["  2 |     RUN a", "  3 | >>> RUN b", "  4 | >>> RUN c", "  5 |     RUN d"],
    ],
  ];
  for (const [name, range, want] of cases) {
    test(`shows ${name}`, () => {
      const lines = renderExcerpt({ filename: "Dockerfile", text, ranges: [range] }).split("\n");
      assert.deepEqual(lines, [
        `Dockerfile:${range.first}`,
        "-".repeat(20),
        ...want.map((line) => ` ${line}`),
        "-".repeat(20),
        "",
      ]);
    });
  }
  test("is empty where the mark lies outside of the text", () => {
    assert.equal(renderExcerpt({ filename: "x", text: "a", ranges: [{ first: 5, last: 5 }] }), "");
    assert.equal(renderExcerpt({ filename: "x", text: "a", ranges: [] }), "");
  });
});

suite("renderError()", () => {
  const options = { command: "polyarch build", debug: false };
  test("shows the place that a detail of the wire names, then the message", () => {
    const detail = {
      info: { filename: "Dockerfile", data: Buffer.from("FROM scratch\nRUN false").toString("base64") },
      ranges: [{ start: { line: 2 }, end: { line: 2 } }],
    };
    const cause = new BuildError("unknown", "process did not complete", {
      details: [
        {
          typeUrl: "github.com/moby/buildkit/errdefs.Source+json",
          value: new TextEncoder().encode(JSON.stringify(detail)),
        },
      ],
    });
    const shown = renderError(
      new BuildError("unknown", "failed to solve: process did not complete", { cause }),
      options,
    );
    assert.equal(
      shown,
      "Dockerfile:2\n--------------------\n   1 |     FROM scratch\n   2 | >>> RUN false\n--------------------\nERROR: failed to solve: process did not complete\n",
    );
  });
  test("passes over a detail that is not what it says", () => {
    const error = new BuildError("unknown", "x", {
      details: [{ typeUrl: "github.com/moby/buildkit/errdefs.Source+json", value: new TextEncoder().encode("{") }],
    });
    assert.equal(renderError(error, options), "ERROR: x\n");
  });
  test("shows how it came about in debug mode only", () => {
    const error = new Error("outer", { cause: new Error("inner") });
    assert.doesNotMatch(renderError(error, options), /inner/);
    assert.match(renderError(error, { ...options, debug: true }), /caused by: Error: inner/);
  });
});
