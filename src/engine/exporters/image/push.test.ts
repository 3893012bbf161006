import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createIndex,
  createManifest,
  describe,
  digestOf,
  encodeIndex,
  encodeManifest,
  mediaTypes,
  parseReference,
} from "../../../oci/mod.ts";
import { anonymous, openRegistry } from "../../../registry/mod.ts";
import { startTestRegistry } from "../../../registry/testing/mod.ts";
import type { Document, ExportContext } from "../exporter.ts";
import type { AssembledImage, AssembledManifest } from "./assemble.ts";
import { pushImage } from "./push.ts";

const document = (mediaType: string, bytes: Uint8Array): Document => ({
  bytes,
  descriptor: describe(mediaType, bytes),
});

function platformImage(name: string): AssembledManifest {
  const bytes = Buffer.from(`layer of ${name}`);
  const config = document(mediaTypes.ociConfig, Buffer.from(JSON.stringify({ name })));
  const descriptor = describe(mediaTypes.ociLayer, bytes);
  const layer = {
    descriptor,
    diffId: digestOf(bytes),
    createdAt: new Date(0),
    knownIn: [],
    open: async function* () {
      yield bytes;
    },
  };
  const manifest = createManifest({ family: "oci", config: config.descriptor, layers: [descriptor] });
  return {
    config,
    layers: [layer],
    layerDescriptors: [descriptor],
    manifest: document(mediaTypes.ociManifest, encodeManifest(manifest)),
  };
}

function imageOf(names: readonly string[]): AssembledImage {
  const manifests = names.map(platformImage);
  const index = document(
    mediaTypes.ociIndex,
    encodeIndex(createIndex({ family: "oci", manifests: manifests.map(({ manifest }) => manifest.descriptor) })),
  );
  return { manifests, attestations: [], index, top: index };
}

test("pushImage() pushes again what the registry turns out not to have", async (t) => {
  const server = await startTestRegistry();
  const registry = openRegistry({ credentials: anonymous, env: {}, retry: { baseDelayMs: 1 } });
  t.after(async () => {
    await registry.close();
    await server[Symbol.asyncDispose]();
  });
  const context = {
    signal: AbortSignal.timeout(600_000),
    progress: { status: () => undefined },
    noteKnownIn: () => undefined,
  } as unknown as ExportContext;
  const image = imageOf(["a", "b"]);
  // It says of each of the four blobs that it has it, and that it has taken a manifest that it then does not know.
  const asks = ({ method, path }: { method: string; path: string }) => method === "HEAD" && path.includes("/blobs/");
  server.plan({ when: asks, times: 4, fault: { type: "answer", status: 200 } });
  const child = image.manifests[1]?.manifest.descriptor.digest ?? "";
  const puts = ({ method, path }: { method: string; path: string }) => method === "PUT" && path.endsWith(child);
  server.plan({ when: puts, fault: { type: "answer", status: 201 } });
  await pushImage(image, parseReference(`${server.host}/app:1`), { byDigest: false, context, registry });
  assert.equal(digestOf(server.storage.manifest("app", "1")?.bytes ?? new Uint8Array()), image.top.descriptor.digest);
  for (const { layers, config } of image.manifests) {
    for (const { descriptor } of [...layers, config]) assert.ok(server.storage.blob("app", descriptor.digest));
  }
});
