import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { alignTabs, binarySize, goDuration, goTime, humanDuration, humanSize, parseFormat, renderRows } from "./mod.ts";

suite("alignTabs()", () => {
  test("makes a column as wide as its widest neighbour, and starts again behind a line without it", () => {
    const options = { minWidth: 0, padding: 1 };
    assert.equal(alignTabs("a:\tb\nlong:\tc\n\nx:\ty\n", options), "a:    b\nlong: c\n\nx: y\n");
    assert.equal(alignTabs("Labels:\n\tkey:\tv\n\tlonger:\tw\n", options), "Labels:\n key:    v\n longer: w\n");
  });
  test("keeps the least width and leaves the end of a line alone", () => {
    assert.equal(
      alignTabs("A\tB\tC\nlong text\tx\t\n", { minWidth: 10, padding: 3 }),
      "A           B         C\nlong text   x         \n",
    );
  });
  test("fills with tabs when asked to", () => {
    assert.equal(
      alignTabs("Reclaimable:\t1B\nTotal:\t2B\n", { minWidth: 1, padding: 1, tabWidth: 8 }),
      "Reclaimable:\t1B\nTotal:\t\t2B\n",
    );
  });
});

suite("rows", () => {
  const rows = [
    { Name: "a", Size: 1 },
    { Name: "bb", Size: 2 },
  ];
  const render = (format: string) =>
    renderRows(parseFormat(format, { table: "table {{.Name}}\t{{.Size}}" }), { Name: "NAME", Size: "SIZE" }, rows);
  test("are a table with headings", () => {
    assert.equal(render("table"), "NAME      SIZE\na         1\nbb        2\n");
    assert.equal(render("table {{upper .Name}}\\t{{json .Size}}"), "NAME      SIZE\nA         1\nBB        2\n");
  });
  test("are JSON, one object per line", () =>
    assert.equal(render("json"), '{"Name":"a","Size":1}\n{"Name":"bb","Size":2}\n'));
  test("are whatever a template makes of them", () => assert.equal(render("{{.Name}}:{{.Size}}"), "a:1\nbb:2\n"));
  test("are refused when the template is wrong", () => assert.throws(() => render("{{.Nope}}"), /Nope/));
});

test("amounts are told as Go's programs tell them", () => {
  assert.deepEqual([0, 999, 8224, 1_704_000_000, 10_250_000_000].map(humanSize), [
    "0B",
    "999B",
    "8.224kB",
    "1.704GB",
    "10.25GB",
  ]);
  assert.deepEqual([512_000_000, 1024, 10_000_000_000].map(binarySize), ["488.3MiB", "1KiB", "9.313GiB"]);
  const ages = [
    500,
    1_000,
    59_000,
    60_000,
    3_599_000,
    3_600_000,
    47 * 3_600_000,
    72 * 3_600_000,
    15 * 86_400_000,
    70 * 86_400_000,
    800 * 86_400_000,
  ];
  assert.deepEqual(ages.map(humanDuration), [
    "Less than a second",
    "1 second",
    "59 seconds",
    "About a minute",
    "59 minutes",
    "About an hour",
    "47 hours",
    "3 days",
    "2 weeks",
    "2 months",
    "2 years",
  ]);
  const spans = [0n, 5n, 1_500n, 2_000_000n, 1_500_000_000n, 90_000_000_000n, 172_800_000_000_000n];
  assert.deepEqual(spans.map(goDuration), ["0s", "5ns", "1.5µs", "2ms", "1.5s", "1m30s", "48h0m0s"]);
  assert.equal(goTime(new Date("2026-11-21T00:38:13Z")), "2026-11-21 00:38:13 +0000 UTC");
  assert.equal(goTime(new Date("2026-11-21T00:38:13.9Z"), 950_000_000), "2026-11-21 00:38:13.95 +0000 UTC");
});
