import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import {
  createIndex,
  createManifest,
  describe,
  type Digest,
  encodeIndex,
  encodeManifest,
  mediaTypes,
  parseReference,
} from "../oci/mod.ts";
import { lacksParts } from "./missing-parts.ts";
import { anonymous, openRegistry } from "./mod.ts";
import { startTestRegistry } from "./testing/mod.ts";

const { signal } = new AbortController();
const [layer, config] = [Buffer.from("layer"), Buffer.from("{}")];
const blobs = new Map([layer, config].map((bytes) => [describe("x", bytes).digest, bytes]));
const bytes = encodeManifest(
  createManifest({
    family: "oci",
    config: describe(mediaTypes.ociConfig, config),
    layers: [describe(mediaTypes.ociLayer, layer)],
  }),
);
const manifest = { mediaType: mediaTypes.ociManifest, bytes };
const unknown = `{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}`;

async function setup(t: TestContext) {
  const server = await startTestRegistry();
  const registry = openRegistry({ credentials: anonymous, env: {}, retry: { baseDelayMs: 1 } });
  t.after(async () => {
    await registry.close();
    await server[Symbol.asyncDispose]();
  });
  const ref = parseReference(`${server.host}/app:1`);
  const asked: Digest[] = [];
  const pushBlob = async (digest: Digest) => {
    const content = blobs.get(digest) as Buffer;
    await registry.pushBlob(ref, describe("x", content), () => once(content), { signal, anew: true });
  };
  const push = async () =>
    await registry.pushManifest(ref, manifest, "1", {
      signal,
      pushAgain: async (digests) => {
        asked.push(...digests);
        for (const digest of digests) await pushBlob(digest);
      },
    });
  const puts = () =>
    server.requests.filter(({ method, path }) => method === "PUT" && path.includes("/manifests/")).length;
  return { server, registry, ref, asked, push, pushBlob, puts };
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

suite("a manifest of which the registry says that parts are missing", () => {
  const isPut = ({ method, path }: { method: string; path: string }) =>
    method === "PUT" && path.includes("/manifests/");

  test("is put again when they are not", async (t) => {
    const { server, asked, push, pushBlob, puts } = await setup(t);
    for (const digest of blobs.keys()) await pushBlob(digest);
    server.plan({ when: isPut, fault: { type: "answer", status: 400, body: unknown } });
    assert.equal((await push()).digest, describe("x", bytes).digest);
    assert.deepEqual([asked, puts()], [[], 2]);
  });

  test("is put again after what the registry does not have, and no more than that", async (t) => {
    const { asked, push, pushBlob, puts } = await setup(t);
    const [there, lost] = [...blobs.keys()];
    await pushBlob(there as Digest);
    await push();
    assert.deepEqual([asked, puts()], [[lost], 2]);
  });

  test("is put again after what the registry says that it has, when it refuses twice", async (t) => {
    const { server, asked, push, pushBlob, puts } = await setup(t);
    const [there, lost] = [...blobs.keys()];
    await pushBlob(there as Digest);
    const isAsked = ({ method, path }: { method: string; path: string }) =>
      method === "HEAD" && path.endsWith(`/blobs/${lost}`);
    server.plan({ when: isAsked, times: 9, fault: { type: "answer", status: 200 } });
    await push();
    assert.deepEqual([asked, puts()], [[lost], 3]);
  });

  test("is given up in the registry's words, after as many attempts as everything else", async (t) => {
    const { server, asked, push, pushBlob, puts } = await setup(t);
    for (const digest of blobs.keys()) await pushBlob(digest);
    server.plan({ when: isPut, times: 9, fault: { type: "answer", status: 400, body: unknown } });
    await assert.rejects(push(), {
      code: "invalid_argument",
      message: /manifests\/1: 400 Bad Request: manifest blob unknown: blob unknown to registry$/,
    });
    assert.deepEqual([asked.toSorted(), puts()], [[...blobs.keys()].toSorted(), 4]);
  });

  test("may be an index, and then it is manifests that are missing", async (t) => {
    const { registry, ref, push, puts } = await setup(t);
    const child = { ...describe(mediaTypes.ociManifest, bytes), platform: { os: "linux", architecture: "amd64" } };
    const index = {
      mediaType: mediaTypes.ociIndex,
      bytes: encodeIndex(createIndex({ family: "oci", manifests: [child] })),
    };
    const lost: Digest[] = [];
    await registry.pushManifest(ref, index, "all", {
      signal,
      pushAgain: async (digests) => {
        lost.push(...digests);
        await push();
      },
    });
    assert.deepEqual(lost, [child.digest]);
    assert.equal(puts(), 4, "the index and its manifest, each twice");
  });
});

suite("lacksParts()", () => {
  for (const [status, words, want] of [
    [400, "400 Bad Request: manifest blob unknown: blob unknown to registry (sha256:12)", true],
    [
      400,
      "400 Bad Request: digest invalid: provided digest did not match uploaded content; manifest blob unknown",
      true,
    ],
    [404, "404 Not Found: blob unknown", true],
    [400, "400 Bad Request: layers not found: required layers with digest 'sha256:12' do not exist", true],
    [400, "400 Bad Request: manifest invalid: manifest invalid", false],
    [404, "404 Not Found: name unknown: repository name not known to registry", false],
    [403, "403 Forbidden: layers not found", false],
    [500, "500 Internal Server Error: blob unknown", false],
    [400, "unexpected status from PUT request to http://r/v2/blob-unknown/manifests/1: 400 Bad Request", false],
  ] as const) {
    test(`${want} for ${words}`, () => assert.equal(lacksParts(status, words), want));
  }
});
