import assert from "node:assert/strict";
import { test } from "node:test";
import { createIndex, type Descriptor, digestOf, mediaTypes, parsePlatform } from "../../oci/mod.ts";
import { asAttestationOf } from "./filter-platforms.ts";
import { withIndex } from "./merge.ts";
import { orderPlatforms } from "./order-platforms.ts";

function manifest(platform: string): Descriptor {
  const digest = digestOf(new TextEncoder().encode(platform));
  return { mediaType: mediaTypes.ociManifest, digest, size: 3, platform: parsePlatform(platform) };
}

function merged(manifests: readonly Descriptor[]) {
  const children = manifests.map((descriptor) => ({
    reference: { registry: "example.org", repository: "x" },
    descriptor,
  }));
  return withIndex(createIndex({ family: "oci", manifests }), children);
}

const [amd64, arm64, riscv64] = [manifest("linux/amd64"), manifest("linux/arm64"), manifest("linux/riscv64")];
const about = ({ digest, size }: Descriptor): Descriptor =>
  asAttestationOf(digest, { mediaType: mediaTypes.ociManifest, digest: digestOf(Buffer.from(digest)), size });
const wanted = [parsePlatform("linux/arm64"), parsePlatform("linux/amd64")];

test("orderPlatforms() puts platforms in the order asked for, statements about them behind, in the same order", () => {
  const { index, children } = orderPlatforms(merged([riscv64, amd64, about(amd64), arm64, about(arm64)]), wanted);
  const want = [arm64, amd64, riscv64, about(arm64), about(amd64)];
  assert.deepEqual(index?.manifests, want);
  assert.deepEqual(
    children.map(({ descriptor }) => descriptor),
    want,
  );
});

test("orderPlatforms() leaves an image as it is that has the order already, or is asked for none", () => {
  const good = merged([arm64, amd64, about(arm64)]);
  assert.equal(orderPlatforms(good, wanted), good);
  const other = merged([amd64, arm64]);
  assert.equal(orderPlatforms(other, []), other);
});
