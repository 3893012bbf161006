import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { platformMatcher } from "./platform-matcher.ts";
import { formatPlatform, parsePlatform, type Platform } from "./platform.ts";

const native = { os: "linux", architecture: "amd64" };
const parse = (text: string) => parsePlatform(text, { native });

describe("platformMatcher() takes the best that the wanted machine runs", () => {
  const cases: [wanted: string, offered: string, order: string][] = [
    ["linux/amd64", "linux/386 linux/amd64 linux/arm64", "linux/amd64 linux/386"],
    ["linux/amd64", "linux/amd64/v2", ""],
    [
      "linux/amd64/v3",
      "linux/amd64 linux/386 linux/amd64/v3 linux/amd64/v4 linux/amd64/v2",
      "linux/amd64/v3 linux/amd64/v2 linux/amd64 linux/386",
    ],
    ["linux/386", "linux/amd64", ""],
    [
      "linux/arm/v7",
      "linux/arm/v5 linux/arm/v6 linux/arm64 linux/arm/v7 linux/arm/v8",
      "linux/arm/v7 linux/arm/v6 linux/arm/v5",
    ],
    ["linux/arm", "linux/arm/v6", "linux/arm/v6"],
    ["linux/arm/v6", "linux/arm/v7 linux/arm/v5", "linux/arm/v5"],
    [
      "linux/arm64",
      "linux/arm/v6 linux/arm/v7 linux/arm/v8 linux/arm64/v8 linux/arm64/v9",
      "linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6",
    ],
    [
      "linux/arm64/v8.2",
      "linux/arm64 linux/arm64/v8.1 linux/arm64/v8.3 linux/arm/v7",
      "linux/arm64/v8.1 linux/arm64 linux/arm/v7",
    ],
    [
      "linux/arm64/v9.1",
      "linux/arm64/v9 linux/arm64/v8.7 linux/arm64/v8.6 linux/arm64 linux/arm/v8",
      "linux/arm64/v9 linux/arm64/v8.6 linux/arm64 linux/arm/v8",
    ],
    ["linux/riscv64", "linux/riscv64 linux/amd64", "linux/riscv64"],
    ["windows/amd64", "linux/amd64", ""],
    ["linux/amd64", "unknown/unknown", ""],
  ];
  for (const [wanted, offered, order] of cases) {
    test(`${wanted} of ${offered}`, () => {
      const matcher = platformMatcher(parse(wanted));
      const platforms = offered.split(" ").map(parse);
      const fitting = platforms.filter((platform) => matcher.matches(platform)).sort(matcher.compare);
      assert.equal(fitting.map(formatPlatform).join(" "), order);
      const chosen = matcher.choose(platforms.map((platform) => ({ platform })));
      assert.equal(chosen ? formatPlatform(chosen.platform) : "", order.split(" ")[0]);
    });
  }
});

test("a strict matcher takes nothing but the platform itself", () => {
  const matcher = platformMatcher(parse("linux/arm/v7"), { strict: true });
  assert.ok(matcher.matches(parse("linux/arm")));
  assert.ok(!matcher.matches(parse("linux/arm/v6")));
  assert.ok(!platformMatcher(parse("linux/amd64"), { strict: true }).matches(parse("linux/386")));
});

test("choose() takes the first of equals, and a descriptor without a platform only when no other fits", () => {
  const matcher = platformMatcher(parse("linux/amd64"));
  type Item = { id: number; platform?: Platform };
  const [none, first, second]: [Item, Item, Item] = [
    { id: 0 },
    { id: 1, platform: native },
    { id: 2, platform: native },
  ];
  assert.equal(matcher.choose([none, first, second]), first);
  assert.equal(matcher.choose<Item>([{ id: 3, platform: parse("linux/arm64") }, none]), none);
  assert.equal(matcher.choose([]), undefined);
});

test("Windows images have to be of the same build", () => {
  const matcher = platformMatcher(parse("windows(10.0.17763.1)/amd64"));
  assert.ok(matcher.matches(parse("windows(10.0.17763.999)/amd64")));
  assert.ok(!matcher.matches(parse("windows(10.0.20348.1)/amd64")));
});
