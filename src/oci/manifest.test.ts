import assert from "node:assert/strict";
import { describe as suite, test } from "node:test";
import { describe } from "./descriptor.ts";
import { createIndex, decodeImageDocument, decodeIndex, encodeIndex } from "./image-index.ts";
import { createManifest, decodeManifest, encodeManifest, type Manifest, manifestLimitBytes } from "./manifest.ts";
import { mediaTypes } from "./media-types.ts";
import { annotate, appendManifestLayer, bareDescriptor, uniqueDescriptors } from "./mutate.ts";

const bytes = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const text = (value: Uint8Array) => new TextDecoder().decode(value);

const config = describe(mediaTypes.ociConfig, bytes("{}"));
const layer = describe(mediaTypes.ociLayerGzip, bytes("layer"));
const manifest = createManifest({ family: "oci", config, layers: [layer], annotations: { b: "2", a: "1" } });

test("encodeManifest() writes two-space JSON in the order of BuildKit's", () => {
  assert.equal(
    text(encodeManifest(manifest)),
    `{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "config": {
    "mediaType": "application/vnd.oci.image.config.v1+json",
    "digest": "${config.digest}",
    "size": 2
  },
  "layers": [
    {
      "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
      "digest": "${layer.digest}",
      "size": 5
    }
  ],
  "annotations": {
    "a": "1",
    "b": "2"
  }
}`,
  );
});

test("encodeIndex() writes platforms as Go does", () => {
  const index = createIndex({
    family: "oci",
    manifests: [
      {
        ...describe(mediaTypes.ociManifest, bytes("m")),
        platform: { os: "linux", architecture: "arm", variant: "v7" },
      },
    ],
  });
  const json = text(encodeIndex(index));
  assert.match(
    json,
    /^\{\n {2}"schemaVersion": 2,\n {2}"mediaType": "application\/vnd.oci.image.index.v1\+json",\n {2}"manifests": \[/,
  );
  assert.match(json, /"platform": \{\n {8}"architecture": "arm",\n {8}"os": "linux",\n {8}"variant": "v7"\n {6}\}/);
  assert.deepEqual(decodeIndex(bytes(json)), index);
});

test("encoding what was decoded gives the same value, all fields kept", () => {
  const attestation: Manifest = {
    ...manifest,
    artifactType: mediaTypes.attestationManifest,
    config: { ...describe(mediaTypes.ociEmpty, bytes("{}")), data: "e30=" },
    subject: describe(mediaTypes.ociManifest, bytes("m")),
    layers: [
      {
        ...layer,
        urls: ["https://x/"],
        annotations: { k: "v" },
        artifactType: "t",
        platform: { os: "windows", architecture: "amd64", osVersion: "10", osFeatures: ["win32k"] },
      },
    ],
  };
  assert.deepEqual(decodeManifest(encodeManifest(attestation)), attestation);
});

test("Docker's manifests and lists are read as well", () => {
  const docker = createManifest({
    family: "docker",
    config: { ...config, mediaType: mediaTypes.dockerConfig },
    layers: [],
  });
  assert.deepEqual(decodeManifest(encodeManifest(docker), mediaTypes.dockerManifest), docker);
  const list = createIndex({ family: "docker", manifests: [] });
  assert.deepEqual(decodeImageDocument(encodeIndex(list)), { type: "index", index: list });
});

test("decodeImageDocument() tells manifest and index apart without a media type", () => {
  assert.equal(decodeImageDocument(bytes({ schemaVersion: 2, manifests: [] })).type, "index");
  assert.equal(decodeImageDocument(bytes({ schemaVersion: 2, config, layers: null })).type, "manifest");
});

suite("decoders refuse", () => {
  const good = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
  const cases: [string, unknown, RegExp, string?][] = [
    ["text", "<html>", /Cannot decode manifest: not JSON/],
    ["a list", [], /Cannot decode manifest: want an object, got \[\]/],
    ["null", null, /want an object, got null/],
    ["a missing version", { ...good, schemaVersion: undefined }, /schemaVersion is undefined, want 2/],
    ["schema 1 by version", { schemaVersion: 1, fsLayers: [] }, /schema 1 is no longer supported/],
    [
      "schema 1 by type",
      good,
      /schema 1 is no longer supported/,
      "application/vnd.docker.distribution.manifest.v1+prettyjws",
    ],
    [
      "another type than announced",
      good,
      /its mediaType ".*oci.*" contradicts ".*docker.*"/,
      mediaTypes.dockerManifest,
    ],
    ["an artifact of unknown type", { ...good, mediaType: "text/x" }, /unexpected media type "text\/x"/],
    ["manifest and index in one", { ...good, manifests: [] }, /it has "config" or "layers"|so it is an image index/],
    ["a config that is missing", { ...good, config: undefined }, /Cannot decode manifest.config: want an object/],
    ["a digest that is none", { ...good, config: { ...config, digest: "sha256:0" } }, /invalid checksum digest/],
    [
      "a negative size",
      { ...good, layers: [{ ...layer, size: -1 }] },
      /manifest.layers\[0\].size: want a whole number, not negative, got -1/,
    ],
    ["a size that is no number", { ...good, layers: [{ ...layer, size: "5" }] }, /layers\[0\].size/],
    ["a size beyond exactness", { ...good, layers: [{ ...layer, size: 2 ** 60 }] }, /layers\[0\].size/],
    ["layers that are no list", { ...good, layers: {} }, /manifest.layers: want a list/],
    [
      "annotations that are no strings",
      { ...good, annotations: { a: 1 } },
      /manifest.annotations\["a"\]: want a string, got 1/,
    ],
    ["urls that are no strings", { ...good, layers: [{ ...layer, urls: [1] }] }, /layers\[0\].urls\[0\]/],
    ["more than the limit", " ".repeat(manifestLimitBytes + 1), /more than the limit of 8388608/],
  ];
  for (const [name, value, message, mediaType] of cases) {
    test(name, () => {
      assert.throws(() => decodeImageDocument(bytes(value), mediaType), { name: "BuildError", message });
    });
  }
});

test("annotations named like Object's own do no harm", () => {
  const json = encodeManifest(manifest);
  const evil = bytes(text(json).replace('"a": "1"', '"__proto__": "1"'));
  const decoded = decodeManifest(evil);
  assert.ok(Object.hasOwn(decoded.annotations ?? {}, "__proto__"));
  assert.equal(text(encodeManifest(decoded)), text(encodeManifest(decodeManifest(encodeManifest(decoded)))));
});

test("changing a value leaves the old one as it was", () => {
  const more = annotate(appendManifestLayer(manifest, config), { a: "new" });
  assert.deepEqual(more.layers, [layer, config]);
  assert.deepEqual(more.annotations, { b: "2", a: "new" });
  assert.equal(manifest.layers.length, 1);
  assert.equal(annotate(manifest, {}), manifest);
  assert.deepEqual(bareDescriptor({ ...layer, annotations: { a: "b" } }), layer);
  assert.deepEqual(uniqueDescriptors([layer, config, layer]), [layer, config]);
});
