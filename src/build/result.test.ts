import assert from "node:assert/strict";
import { test } from "node:test";
import { imageId, metadataJson } from "./result.ts";

test("metadataJson() unpacks descriptors and leaves texts alone", () => {
  const descriptor = { mediaType: "m", digest: "sha256:a", size: 3 };
  const response = {
    "image.name": "a,b",
    "containerimage.descriptor": Buffer.from(JSON.stringify(descriptor)).toString("base64"),
    "frontend.text": "abcd",
    "frontend.number": "1234",
    "frontend.list": Buffer.from("[{}]").toString("base64"),
    "frontend.empty": "e30=",
  };
  const text = metadataJson({ ref: "default/default/x", response }, [{ vertex: "v" }]);
  assert.deepEqual(JSON.parse(text), {
    "buildx.build.ref": "default/default/x",
    "buildx.build.warnings": [{ vertex: "v" }],
    "containerimage.descriptor": descriptor,
    "frontend.empty": "e30=",
    "frontend.list": [{}],
    "frontend.number": "1234",
    "frontend.text": "abcd",
    "image.name": "a,b",
  });
  assert.match(text, /^\{\n {2}"buildx\.build\.ref"/);
});

test("metadataJson() names no build where several nodes did it", () => {
  const text = metadataJson({ ref: "", response: { "containerimage.digest": "sha256:a" } });
  assert.deepEqual(JSON.parse(text), { "containerimage.digest": "sha256:a" });
});

test("imageId() is the config's digest, else the manifest's, else nothing", () => {
  const id = (response: Record<string, string>) => imageId({ ref: "", response });
  assert.equal(id({ "containerimage.config.digest": "c", "containerimage.digest": "m" }), "c");
  assert.equal(id({ "containerimage.digest": "m" }), "m");
  assert.equal(id({}), undefined);
});
