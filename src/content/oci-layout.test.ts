import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { collectBytes, createIndex, describe, digestHex, encodeIndex, mediaTypes } from "../oci/mod.ts";
import { openOciLayout } from "./oci-layout.ts";

const blob = Buffer.from("the blob");
const descriptor = {
  ...describe(mediaTypes.ociManifest, blob),
  annotations: { "org.opencontainers.image.ref.name": "v1" },
};

async function layout(
  t: TestContext,
  files: { version?: string; index?: Uint8Array | string; blob?: string },
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-layout-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await mkdir(join(directory, "blobs", "sha256"), { recursive: true });
  await writeFile(join(directory, "oci-layout"), files.version ?? '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(
    join(directory, "index.json"),
    files.index ?? encodeIndex(createIndex({ family: "oci", manifests: [descriptor] })),
  );
  await writeFile(join(directory, "blobs", "sha256", digestHex(descriptor.digest)), files.blob ?? blob);
  return directory;
}

test("a layout is read by tag and by digest, its blobs verified", async (t) => {
  const opened = await openOciLayout(await layout(t, {}));
  assert.deepEqual(opened.resolve("v1"), descriptor);
  assert.deepEqual(opened.resolve(descriptor.digest), descriptor);
  assert.throws(() => opened.resolve("v2"), { code: "not_found", message: /"v2" not found in the index/ });
  assert.deepEqual(await opened.info(descriptor.digest), { size: blob.byteLength });
  assert.deepEqual(Buffer.from(await collectBytes(opened.fetch(descriptor), { limitBytes: 100 })), blob);
});

test("a blob that was tampered with is noticed", async (t) => {
  const opened = await openOciLayout(await layout(t, { blob: "the BLOB" }));
  await assert.rejects(collectBytes(opened.fetch(descriptor), { limitBytes: 100 }), { code: "data_loss" });
});

test("what is no layout is refused by name", async (t) => {
  await assert.rejects(openOciLayout("/nonexistent/there"), {
    code: "not_found",
    message: /"\/nonexistent\/there" is not an OCI image layout/,
  });
  await assert.rejects(
    openOciLayout(await layout(t, { version: '{"imageLayoutVersion":"2"}' })),
    /version "2", want "1.0.0"/,
  );
  await assert.rejects(openOciLayout(await layout(t, { index: "{}" })), /Cannot read ".*index.json": .*schemaVersion/);
});
