import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { digestOf } from "./digest.ts";
import {
  familiarReference,
  formatReference,
  parseReference,
  withDefaultTag,
  withDigest,
  withTag,
} from "./reference.ts";

const digest = digestOf("x");

describe("parseReference() spells names out", () => {
  const cases: [text: string, full: string, familiar?: string][] = [
    ["alpine", "docker.io/library/alpine"],
    ["alpine:3.20", "docker.io/library/alpine:3.20"],
    ["library/alpine", "docker.io/library/alpine", "alpine"],
    ["docker.io/alpine", "docker.io/library/alpine", "alpine"],
    ["index.docker.io/alpine", "docker.io/library/alpine", "alpine"],
    ["docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"],
    ["user/app", "docker.io/user/app"],
    ["localhost/app", "localhost/app"],
    ["localhost:5000/app", "localhost:5000/app"],
    ["127.0.0.1:5000/a/b:v1", "127.0.0.1:5000/a/b:v1"],
    ["[::1]:5000/a", "[::1]:5000/a"],
    ["ghcr.io/a/b__c/d-e.f", "ghcr.io/a/b__c/d-e.f"],
    ["Host/app", "Host/app"],
    [`alpine@${digest}`, `docker.io/library/alpine@${digest}`],
    [`alpine:3@${digest}`, `docker.io/library/alpine:3@${digest}`],
    ["a:b", "docker.io/library/a:b"],
    [`h:1/a:${"t".repeat(128)}`, `h:1/a:${"t".repeat(128)}`],
  ];
  for (const [text, full, familiar = text] of cases) {
    test(text, () => {
      const reference = parseReference(text);
      assert.equal(formatReference(reference), full);
      assert.equal(familiarReference(reference), familiar);
      assert.deepEqual(parseReference(full), reference);
      assert.deepEqual(parseReference(familiar), reference);
    });
  }
});

test("parseReference() keeps the port apart from the tag", () => {
  assert.deepEqual(parseReference("host:5000/app:1"), { registry: "host:5000", repository: "app", tag: "1" });
});

describe("parseReference() refuses", () => {
  const cases: [string, RegExp][] = [
    ["", /^invalid reference format$/],
    [":tag", /^invalid reference format$/],
    ["a b", /^invalid reference format$/],
    ["a//b", /^invalid reference format$/],
    ["a/", /^invalid reference format$/],
    ["-a", /^invalid reference format$/],
    ["a___b", /^invalid reference format$/],
    ["a:", /^invalid reference format$/],
    [`a:${"t".repeat(129)}`, /^invalid reference format$/],
    ["a@sha256:12", /^invalid reference format$/],
    ["https://host/a", /^invalid reference format$/],
    ["../../a", /^invalid reference format$/],
    ["a\n", /^invalid reference format$/],
    ["Alpine", /^invalid reference format: repository name \(library\/Alpine\) must be lowercase$/],
    ["host.x/App:Tag", /^invalid reference format: repository name \(App\) must be lowercase$/],
    ["a".repeat(64), /cannot specify 64-byte hexadecimal strings$/],
    [`h.x/${"a".repeat(255)}`, /^repository name must not be more than 255 characters$/],
    ["a".repeat(100_000), /^repository name must not be more than 255 characters$/],
    [`a@md5:${"0".repeat(32)}`, /unsupported digest algorithm/],
  ];
  for (const [text, message] of cases) {
    test(JSON.stringify(text.slice(0, 30)), () => {
      assert.throws(() => parseReference(text), { name: "BuildError", code: "invalid_argument", message });
    });
  }
});

test("a default tag is given only where nothing says which image", () => {
  assert.equal(withDefaultTag(parseReference("a")).tag, "latest");
  assert.equal(withDefaultTag(parseReference("a:1")).tag, "1");
  assert.equal(withDefaultTag(parseReference(`a@${digest}`)).tag, undefined);
});

test("names can be pinned and retagged", () => {
  const reference = parseReference("a:1");
  assert.equal(familiarReference(withDigest(reference, digest)), `a:1@${digest}`);
  assert.equal(familiarReference(withTag(withDigest(reference, digest), "2")), "a:2");
  assert.throws(() => withTag(reference, "-"), /invalid tag format/);
});
