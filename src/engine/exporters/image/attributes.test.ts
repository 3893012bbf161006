import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePlatform } from "../../../oci/mod.ts";
import type { ExportSource } from "../exporter.ts";
import { withSaid } from "../said.ts";
import { annotationsFor, parseImageAttributes, withResultsAnnotations } from "./attributes.ts";

const both = ["linux/amd64", "linux/arm64"];

function result(metadata: Readonly<Record<string, string>>, platforms = both): ExportSource {
  return {
    refs: platforms.map((id) => ({ id, platform: parsePlatform(id), ref: undefined as never })),
    multiPlatform: platforms.length > 1,
    attestations: new Map(),
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, Buffer.from(value)])),
  };
}

test("annotations come from the request and from the frontend, which wins", () => {
  const given = parseImageAttributes({ "annotation.a": "1", "annotation[linux/arm64].b": "2", "annotation.c": "3" });
  assert.ok(parseImageAttributes({}).mayChangeFamily);
  const attributes = withResultsAnnotations(
    given,
    result({ "annotation.a": "said", "annotation-index[linux/amd64].i": "4" }),
  );
  assert.deepEqual(annotationsFor(attributes, "manifest", "linux/arm64"), { a: "said", c: "3", b: "2" });
  assert.deepEqual(annotationsFor(attributes, "manifest", "linux/amd64"), { a: "said", c: "3" });
  assert.deepEqual(annotationsFor(attributes, "index", undefined), { i: "4" });
  const said = withResultsAnnotations(parseImageAttributes({}), result({ "annotation.a": "1" }));
  assert.ok(!said.mayChangeFamily, "Docker's formats have no place for it");
});

test("annotations that have no place are refused", () => {
  const foreign = parseImageAttributes({ "annotation[linux/s390x].a": "b" });
  assert.throws(() => withResultsAnnotations(foreign, result({})), /no platform linux\/s390x found in source/);
  const docker = parseImageAttributes({ "oci-mediatypes": "false" });
  assert.throws(
    () => withResultsAnnotations(docker, result({ "annotation-index.a": "b" })),
    /cannot export annotations/,
  );
});

test("what a request says of a result goes before what its frontend says", () => {
  const { metadata } = withSaid(result({ "image.name": "x", "containerimage.config": "{}" }), {
    name: "*",
    "image.name": "y",
    "annotation.a": "b",
  });
  const texts = Object.entries(metadata).map(([key, value]) => [key, Buffer.from(value).toString()]);
  assert.deepEqual(Object.fromEntries(texts), { "image.name": "y", "containerimage.config": "{}", name: "*" });
});

test("Docker's media types have a name for zstd, and what is not compressed has no level", () => {
  const { compression, family } = parseImageAttributes({ compression: "zstd", "oci-mediatypes": "0" });
  assert.deepEqual({ compression, family }, { compression: { type: "zstd" }, family: "docker" });
  const plain = parseImageAttributes({ compression: "uncompressed", "compression-level": "3" });
  assert.deepEqual(plain.compression, { type: "uncompressed" });
  assert.throws(() => parseImageAttributes({ compression: "bzip2" }), /unsupported compression type bzip2/);
});
