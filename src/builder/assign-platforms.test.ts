import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { formatPlatform, parsePlatform } from "../oci/mod.ts";
import { assignPlatforms } from "./assign-platforms.ts";

const platforms = (text: string) => (text === "" ? [] : text.split(" ").map((name) => parsePlatform(name)));

/** Each node as `fixed | detected`; nothing behind the bar: not asked. */
const cases: readonly (readonly [
  string,
  wanted: string,
  nodes: readonly string[],
  shares: string,
  unmatched: string,
])[] = [
  ["no platform is the first node's own", "", ["", ""], "0:", ""],
  [
    "fixed platforms need nobody to be asked",
    "linux/arm64 linux/amd64",
    ["linux/amd64", "linux/arm64"],
    "0:linux/amd64 1:linux/arm64",
    "",
  ],
  [
    "several of one node stay together",
    "linux/amd64 linux/arm64 linux/arm/v7",
    ["linux/amd64", "linux/arm64 linux/arm/v7"],
    "0:linux/amd64 1:linux/arm64,linux/arm/v7",
    "",
  ],
  [
    "spellings do not matter",
    "linux/arm64/v8 linux/arm",
    ["", "linux/arm64 linux/arm/v7"],
    "1:linux/arm64,linux/arm/v7",
    "",
  ],
  [
    "what nobody is known for goes to the first",
    "linux/s390x",
    ["linux/amd64", "linux/arm64"],
    "0:linux/s390x",
    "linux/s390x",
  ],
  [
    "what an engine says counts when it was asked",
    "linux/s390x",
    ["|linux/amd64", "|linux/arm64 linux/s390x"],
    "1:linux/s390x",
    "",
  ],
  ["the earlier of equals", "linux/amd64", ["|linux/arm64", "|linux/amd64", "|linux/amd64"], "1:linux/amd64", ""],
  [
    "what was fixed for another is not taken from it",
    "linux/arm64",
    ["|linux/amd64 linux/arm64", "linux/arm64|linux/arm64"],
    "1:linux/arm64",
    "",
  ],
  ["an older variant stands in", "linux/arm/v7", ["|linux/amd64", "|linux/arm/v6"], "1:linux/arm/v7", ""],
  ["the nearest variant wins", "linux/arm/v7", ["|linux/arm/v5", "|linux/arm/v6"], "1:linux/arm/v7", ""],
  [
    "another architecture never stands in",
    "linux/amd64",
    ["|linux/arm64", "|linux/386"],
    "0:linux/amd64",
    "linux/amd64",
  ],
  ["the same platform twice is once", "linux/amd64 linux/amd64", ["linux/amd64"], "0:linux/amd64", ""],
];

suite("assignPlatforms()", () => {
  for (const [name, wanted, nodes, shares, unmatched] of cases) {
    test(name, () => {
      const known = nodes.map((text) => {
        const [fixed = "", detected] = text.split("|");
        return { fixed: platforms(fixed), detected: detected === undefined ? undefined : platforms(detected) };
      });
      const got = assignPlatforms(platforms(wanted), known);
      const text = got.shares.map((share) => `${share.node}:${share.platforms.map(formatPlatform).join(",")}`);
      assert.equal(text.join(" "), shares);
      assert.equal(got.unmatched.map(formatPlatform).join(" "), unmatched);
    });
  }
});
