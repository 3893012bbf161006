import assert from "node:assert/strict";
import { test } from "node:test";
import { resourceAttrs } from "./resources.ts";

test("resourceAttrs() says limits as frontends take them", () => {
  assert.deepEqual(
    resourceAttrs([
      "memory=512m",
      "memory-swap=-1",
      "cpu-shares=512",
      "cpu-period=1000",
      "cpu-quota=500",
      "cpuset-cpus=0-3,6",
    ]),
    { memory: "536870912", memswap: "-1", cpushares: "512", cpuperiod: "1000", cpuquota: "500", cpusetcpus: "0-3,6" },
  );
  assert.deepEqual(resourceAttrs(["memory=1", "memory=2"]), { memory: "2" });
  assert.deepEqual(resourceAttrs([]), {});
});

for (const [given, message] of [
  [["memory"], /invalid resource "memory", expected key=value/],
  [["ram=1g"], /unknown resource "ram", expected one of memory, /],
  [["memory=much"], /invalid memory "much": want a size/],
  [["memory=0"], /invalid memory "0"/],
  [["cpu-quota=-1"], /invalid cpu-quota "-1"/],
  [["cpuset-cpus=all"], /invalid cpuset-cpus "all": want a list of CPUs/],
  [["memory-swap=1g"], /needs one of memory/],
  [["memory=2g", "memory-swap=1g"], /must not be below memory/],
] as const) {
  test(`resourceAttrs() refuses ${given.join(" ")}`, () => {
    assert.throws(() => resourceAttrs(given), { code: "invalid_argument", message });
  });
}
