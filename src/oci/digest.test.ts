import assert from "node:assert/strict";
import { test } from "node:test";
import { Digester, digestAlgorithm, digestHex, digestOf, isDigest, parseDigest } from "./digest.ts";

const empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

test("digestOf() is sha256 over exactly the bytes", () => {
  assert.equal(digestOf(""), empty);
  assert.equal(digestOf(new Uint8Array()), empty);
  assert.equal(digestOf("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("a Digester gives the digest of its pieces together", () => {
  const digester = new Digester();
  digester.update(Buffer.from("a"));
  digester.update(Buffer.from("bc"));
  assert.equal(digester.size, 3);
  assert.equal(digester.digest(), digestOf("abc"));
});

test("parseDigest() takes digests of known algorithms apart", () => {
  assert.equal(digestAlgorithm(parseDigest(empty)), "sha256");
  assert.equal(digestHex(parseDigest(empty)), empty.slice(7));
  assert.equal(digestAlgorithm(parseDigest(`sha512:${"0".repeat(128)}`)), "sha512");
});

const bad: [string, RegExp][] = [
  ["", /^invalid checksum digest format: ""/],
  ["sha256", /invalid checksum digest format/],
  ["sha256:xyz", /invalid checksum digest format/],
  [empty.toUpperCase(), /invalid checksum digest format/],
  [`${empty}/../../etc/passwd`, /invalid checksum digest format/],
  [empty.slice(0, -1), /invalid checksum digest length/],
  [`sha256:${"0".repeat(128)}`, /invalid checksum digest length/],
  [`md5:${"0".repeat(32)}`, /unsupported digest algorithm/],
  [`constructor:${"0".repeat(64)}`, /unsupported digest algorithm/],
];
for (const [text, want] of bad) {
  test(`parseDigest() refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(() => parseDigest(text), { name: "BuildError", code: "invalid_argument", message: want });
    assert.equal(isDigest(text), false);
  });
}
