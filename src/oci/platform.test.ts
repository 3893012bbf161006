import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  currentPlatform,
  formatPlatform,
  formatPlatformFull,
  normalizePlatform,
  parsePlatform,
  platformsEqual,
} from "./platform.ts";

const native = { os: "linux", architecture: "amd64" };

describe("parsePlatform() gives the normalized platform", () => {
  const cases: [string, string][] = [
    ["linux/amd64", "linux/amd64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["linux/x86_64", "linux/amd64"],
    ["linux/x86-64", "linux/amd64"],
    ["linux/i386", "linux/386"],
    ["linux/arm64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm64/8", "linux/arm64"],
    ["linux/arm64/v9.0", "linux/arm64/v9"],
    ["linux/aarch64", "linux/arm64"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/arm/7", "linux/arm/v7"],
    ["linux/arm/v6", "linux/arm/v6"],
    ["linux/armhf", "linux/arm/v7"],
    ["linux/armel", "linux/arm/v6"],
    ["Linux/AMD64", "linux/amd64"],
    ["macos/arm64", "darwin/arm64"],
    ["linux/ppc64le", "linux/ppc64le"],
    ["linux/s390x", "linux/s390x"],
    ["linux/riscv64", "linux/riscv64"],
    ["plan10/quantum/v2", "plan10/quantum/v2"],
    // One word: an operating system, else an architecture.
    ["linux", "linux/amd64"],
    ["windows", "windows/amd64"],
    ["macos", "darwin/amd64"],
    ["arm64", "linux/arm64"],
    ["arm", "linux/arm/v7"],
    ["armel", "linux/arm/v6"],
    ["x86_64", "linux/amd64"],
    ["i386", "linux/386"],
    ["s390x", "linux/s390x"],
  ];
  for (const [text, want] of cases) {
    test(`${text} is ${want}`, () => {
      const platform = parsePlatform(text, { native });
      assert.equal(formatPlatform(platform), want);
      assert.deepEqual(parsePlatform(want, { native }), platform, "formatting and parsing again changes nothing");
    });
  }
});

describe("parsePlatform() refuses what containerd refuses, in its words", () => {
  const cases: [string, RegExp][] = [
    ["foo", /^"foo": unknown operating system or architecture: invalid argument$/],
    ["linux/*", /^"linux\/\*": wildcards not yet supported: invalid argument$/],
    ["linux/arm/v7/x", /^"linux\/arm\/v7\/x": cannot parse platform specifier: invalid argument$/],
    [
      "linux/&arm",
      /^"&arm" is an invalid component of "linux\/&arm": platform specifier component must match "\^\[A-Za-z0-9_.-\]\+\$": invalid argument$/,
    ],
    ["", /^"" is an invalid OS component of "": /],
    ["/amd64", /^"" is an invalid OS component of "\/amd64": /],
    ["linux/", /^"" is an invalid component of "linux\/": /],
  ];
  for (const [text, message] of cases) {
    test(JSON.stringify(text), () => {
      assert.throws(() => parsePlatform(text, { native }), { name: "BuildError", code: "invalid_argument", message });
    });
  }
});

test("the version of the operating system stays", () => {
  const platform = parsePlatform("windows(10.0.17763)/amd64", { native });
  assert.deepEqual(platform, { os: "windows", architecture: "amd64", osVersion: "10.0.17763" });
  assert.equal(formatPlatformFull(platform), "windows(10.0.17763)/amd64");
  assert.equal(formatPlatform(platform), "windows/amd64");
  assert.equal(formatPlatformFull(parsePlatform("linux(+erofs)/amd64", { native })), "linux(+erofs)/amd64");
});

test("formatPlatformFull() shows what a registry wrote, not what it means", () => {
  assert.equal(formatPlatformFull({ os: "linux", architecture: "arm64", variant: "v8" }), "linux/arm64/v8");
  assert.equal(formatPlatformFull({ os: "unknown", architecture: "unknown" }), "unknown/unknown");
});

test("platformsEqual() compares what is meant", () => {
  const arm64 = { os: "linux", architecture: "arm64" };
  assert.ok(platformsEqual(arm64, { ...arm64, variant: "v8" }));
  assert.ok(!platformsEqual(arm64, { ...arm64, variant: "v9" }));
  assert.ok(
    !platformsEqual({ os: "windows", architecture: "amd64", osVersion: "1" }, { os: "windows", architecture: "amd64" }),
  );
});

test("currentPlatform() is normalized", () => {
  assert.deepEqual(currentPlatform(), normalizePlatform(currentPlatform()));
  assert.equal(currentPlatform().os, "linux");
});
