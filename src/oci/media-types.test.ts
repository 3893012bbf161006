import assert from "node:assert/strict";
import { test } from "node:test";
import { layerMediaType, mediaTypes, parseLayerMediaType, toFamily } from "./media-types.ts";

test("each layer type is what its parts make", () => {
  for (const [name, mediaType] of Object.entries(mediaTypes)) {
    const type = parseLayerMediaType(mediaType);
    assert.equal(type !== undefined, /Layer/.test(name), name);
    if (type) assert.equal(layerMediaType(type), mediaType);
  }
  assert.deepEqual(parseLayerMediaType(mediaTypes.dockerForeignLayerGzip), {
    family: "docker",
    compression: "gzip",
    foreign: true,
  });
});

test("toFamily() renames both ways and leaves the rest alone", () => {
  assert.equal(toFamily(mediaTypes.ociLayerZstd, "docker"), mediaTypes.dockerLayerZstd);
  assert.equal(toFamily(mediaTypes.dockerIndex, "oci"), mediaTypes.ociIndex);
  assert.equal(toFamily(mediaTypes.ociConfig, "docker"), mediaTypes.dockerConfig);
  assert.equal(toFamily(mediaTypes.ociConfig, "oci"), mediaTypes.ociConfig);
  assert.equal(toFamily(mediaTypes.inToto, "docker"), mediaTypes.inToto);
});
