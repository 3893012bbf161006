import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, Histogram, metricsText } from "./mod.ts";

test("metricsText() writes counters and histograms as Prometheus reads them", () => {
  const builds = new Counter({ name: "builds_total", help: "How many\nbuilds \\ tries." });
  builds.add(1, { status: "failure", why: 'a "quoted"\n\\ line' });
  builds.add(2, { why: 'a "quoted"\n\\ line', status: "failure" });
  const seconds = new Histogram({ name: "build_seconds", help: "How long.", bounds: [0.5, 2] });
  for (const value of [0.25, 0.5, 1, 8]) seconds.observe(value, { kind: "x" });
  const unused = new Counter({ name: "unused_total", help: "Never." });
  assert.equal(
    metricsText([builds, unused, seconds]),
    `# HELP build_seconds How long.
# TYPE build_seconds histogram
build_seconds_bucket{kind="x",le="0.5"} 2
build_seconds_bucket{kind="x",le="2"} 3
build_seconds_bucket{kind="x",le="+Inf"} 4
build_seconds_sum{kind="x"} 9.75
build_seconds_count{kind="x"} 4
# HELP builds_total How many\\nbuilds \\\\ tries.
# TYPE builds_total counter
builds_total{status="failure",why="a \\"quoted\\"\\n\\\\ line"} 3
`,
  );
});
