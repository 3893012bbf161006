import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { suite, test } from "node:test";
import { parsePlatform } from "../../oci/mod.ts";
import { testContext } from "../testing/context.ts";
import { parseCacheFilters } from "./filters.ts";
import { platformNames, shortPlatforms } from "./platforms.ts";
import { confirm } from "./prompt.ts";

suite("platforms in short", () => {
  for (const [names, want] of [
    ["", ""],
    ["linux/amd64 linux/arm64", "linux/amd64, linux/arm64"],
    ["linux/amd64 linux/amd64/v2 linux/amd64/v3 linux/386", "linux/amd64 (+3), linux/386"],
    ["linux/amd64* linux/amd64/v2", "linux/amd64* (+2)"],
    [
      "linux/amd64 linux/amd64/v2 linux/amd64/v3 linux/amd64/v4 linux/arm64 linux/riscv64 linux/ppc64le linux/ppc64 linux/s390x linux/386 linux/mips64le linux/mips64 linux/loong64 linux/arm/v7 linux/arm/v6 linux/arm/v5",
      "linux/amd64 (+4), linux/arm64, linux/arm (+3), linux/ppc64le, (7 more)",
    ],
    [
      "linux/arm64 windows/amd64 linux/386 darwin/arm64 plan9/386",
      "linux/arm64, darwin/arm64, linux/386, plan9/386, (1 more)",
    ],
  ] as const) {
    test(`${names || "none"} is ${want || "nothing"}`, () =>
      assert.equal(shortPlatforms(names.split(" ").filter(Boolean)), want));
  }
  test("stars stand at what was fixed", () => {
    const [arm, amd] = [parsePlatform("linux/arm64"), parsePlatform("linux/amd64")];
    assert.deepEqual(platformNames([arm], [amd, arm]), ["linux/arm64*", "linux/amd64"]);
  });
});

suite("parseCacheFilters()", () => {
  test("speaks the engine's language", () => {
    assert.deepEqual(parseCacheFilters(["type=regular", "id=abc", "ID!=x", "description~=y", "until=1h30m"]), {
      unusedForMs: 5_400_000,
      filters: ["type==regular,id~=abc,id!=x,description~=y"],
    });
    assert.deepEqual(parseCacheFilters([]), { unusedForMs: 0, filters: [] });
  });
  test("takes from Docker's configuration what the command line does not name", () => {
    assert.deepEqual(parseCacheFilters(["type=a"], ["type=b", "until=1s"]), {
      unusedForMs: 1000,
      filters: ["type==a"],
    });
  });
  for (const [texts, message] of [
    [["until=1h", "unused-for=1h"], 'conflicting filters "until" and "unused-for"'],
    [["type=a", "type=b"], '"type" filter expects only one value'],
    [["until=x"], `"until" filter expects a duration (e.g., '24h'): time: invalid duration "x"`],
    [["x"], 'invalid argument "x" for "--filter" flag: bad format of filter (expected name=value)'],
  ] as const) {
    test(`refuses ${texts.join(" ")}`, () => assert.throws(() => parseCacheFilters(texts), { message }));
  }
});

suite("confirm()", () => {
  for (const [answer, want] of [
    ["y\n", true],
    ["Y\n", true],
    ["yes\n", false],
    ["\n", false],
    ["", false],
  ] as const) {
    test(`${JSON.stringify(answer)} means ${want}`, async () => {
      const stdin = new PassThrough();
      const { context, out } = testContext({ stdin });
      stdin.end(answer);
      assert.equal(await confirm("Sure?", context), want);
      assert.equal(out(), "Sure? [y/N] ");
    });
  }
  test("is given up when it is interrupted", async () => {
    const { context } = testContext({ signal: AbortSignal.abort(new Error("stop")) });
    await assert.rejects(confirm("Sure?", context), { message: "stop" });
  });
});
