import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import {
  collectBytes,
  createIndex,
  describe,
  type Descriptor,
  digestOf,
  encodeIndex,
  mediaTypes,
  parseReference,
  type Reference,
} from "../oci/mod.ts";
import { anonymous, openRegistry, type Registry, type RegistryOptions } from "./mod.ts";
import { addImage, startTestRegistry, type TestRegistry, type TestRegistryOptions } from "./testing/mod.ts";

const { signal } = new AbortController();
const linux = { os: "linux", architecture: "amd64" };
const bytes = Buffer.from("blob ".repeat(100_000));
const blob = describe(mediaTypes.ociLayer, bytes);

interface Setup {
  readonly server: TestRegistry;
  readonly registry: Registry;
  readonly ref: Reference;
  readonly manifest: Descriptor;
}

/** A test registry with one image `app:1` (whose layer is `blob`) and a client that does not wait between attempts. */
async function setup(
  t: TestContext,
  options: TestRegistryOptions = {},
  client: Partial<RegistryOptions> = {},
): Promise<Setup> {
  const server = await startTestRegistry(options);
  const registry = openRegistry({ credentials: anonymous, env: {}, retry: { baseDelayMs: 1 }, ...client });
  t.after(async () => {
    await registry.close();
    await server[Symbol.asyncDispose]();
  });
  const layers = [{ bytes, diffId: blob.digest, mediaType: blob.mediaType }];
  const { platform: _, ...manifest } = addImage(server, "app", "1", { layers, platform: linux });
  return { server, registry, ref: parseReference(`${server.host}/app:1`), manifest };
}
const collect = (stream: AsyncIterable<Uint8Array>) => collectBytes(stream, { limitBytes: 2 ** 24 });
const seen = (server: TestRegistry) =>
  server.requests.map(
    ({ method, path }) => `${method} ${path.replace(/[0-9a-f]{64}/, "…").replace(/[0-9a-f-]{36}/, "ID")}`,
  );
const open = () => chunked(bytes);
async function* chunked(data: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.byteLength; at += 65536) yield data.subarray(at, at + 65536);
}

test("resolve() gives the descriptor behind a tag or a digest, with one request", async (t) => {
  const { server, registry, ref, manifest } = await setup(t);
  assert.deepEqual(await registry.resolve(ref, { signal }), manifest);
  assert.deepEqual(await registry.resolve({ ...ref, digest: manifest.digest }, { signal }), manifest);
  assert.deepEqual(seen(server), ["HEAD /v2/app/manifests/1", "HEAD /v2/app/manifests/sha256:…"]);
});

test("resolve() says which name is not there", async (t) => {
  const { server, registry } = await setup(t);
  const name = `${server.host}/app:none`;
  await assert.rejects(registry.resolve(parseReference(name), { signal }), {
    code: "not_found",
    message: `${name}: not found`,
  });
  assert.equal(await registry.hasManifest(parseReference(name), "none", { signal }), undefined);
});

test("resolve() reads the document where HEAD is refused or tells too little", async (t) => {
  const { server, registry, ref, manifest } = await setup(t);
  for (const fault of [
    { type: "answer", status: 405 },
    { type: "answer", status: 200, headers: { "content-type": manifest.mediaType } },
    { type: "answer", status: 200, headers: { "content-type": "text/html" } },
  ] as const) {
    server.plan({ when: ({ method }) => method === "HEAD", fault });
    assert.deepEqual(await registry.resolve(ref, { signal }), manifest);
  }
});

test("fetchManifest() and fetchBlob() give verified bytes", async (t) => {
  const { registry, ref, manifest } = await setup(t);
  const document = await registry.fetchManifest(ref, manifest, { signal });
  assert.equal(digestOf(document), manifest.digest);
  assert.deepEqual(Buffer.from(await collect(registry.fetchBlob(ref, blob, { signal }))), bytes);
  assert.deepEqual(
    Buffer.from(await collect(registry.fetchBlob(ref, blob, { signal, offset: 499_990 }))),
    bytes.subarray(499_990),
  );
  assert.equal(await registry.hasBlob(ref, blob.digest, { signal }), true);
  assert.equal(await registry.hasBlob(ref, digestOf("other"), { signal }), false);
});

test("fetchBlob() leaves checking the digest to a caller who says that he does it", async (t) => {
  const { server, registry, ref } = await setup(t);
  server.plan({ when: ({ path }) => path.includes("/blobs/"), fault: { type: "corrupt", atByte: 1 } });
  const got = await collect(registry.fetchBlob(ref, blob, { signal, verify: false }));
  assert.equal(got.byteLength, blob.size);
  assert.notEqual(digestOf(got), blob.digest);
  const short = registry.fetchBlob(ref, { ...blob, size: 5 }, { signal, verify: false });
  await assert.rejects(collect(short), { code: "data_loss" });
});

test("wrong bytes are noticed", async (t) => {
  const { server, registry, ref, manifest } = await setup(t);
  server.plan({ when: ({ path }) => path.includes("/blobs/"), fault: { type: "corrupt", atByte: 300_000 } });
  await assert.rejects(collect(registry.fetchBlob(ref, blob, { signal })), {
    code: "data_loss",
    message: /cannot be trusted: unexpected digest/,
  });
  server.plan({ when: ({ method }) => method === "GET", fault: { type: "corrupt", atByte: 5 } });
  await assert.rejects(registry.fetchManifest(ref, manifest, { signal }), { code: "data_loss" });
  await assert.rejects(collect(registry.fetchBlob(ref, { ...blob, size: 5 }, { signal })), {
    message: /unexpected size 500000, expected 5/,
  });
});

test("a registry that names another digest than asked for is not believed", async (t) => {
  const { server, registry, ref } = await setup(t);
  const headers = {
    "content-type": mediaTypes.ociManifest,
    "content-length": "2",
    "docker-content-digest": digestOf("other"),
  };
  server.plan({ when: ({ method }) => method === "HEAD", fault: { type: "answer", status: 200, headers } });
  await assert.rejects(registry.resolve({ ...ref, digest: digestOf("{}") }, { signal }), {
    code: "data_loss",
    message: /unexpected digest/,
  });
  server.plan({ when: ({ method }) => method === "HEAD", fault: { type: "answer", status: 405 } });
  const other = { "content-type": mediaTypes.ociManifest, "docker-content-digest": digestOf("other") };
  const body = JSON.stringify({
    schemaVersion: 2,
    config: describe(mediaTypes.ociConfig, Buffer.from("{}")),
    layers: [],
  });
  server.plan({ when: ({ method }) => method === "GET", fault: { type: "answer", status: 200, headers: other, body } });
  await assert.rejects(registry.resolve(ref, { signal }), { code: "data_loss", message: /unexpected digest/ });
});

test("a download that breaks off goes on where it broke", async (t) => {
  const { server, registry, ref } = await setup(t);
  for (const afterBytes of [100_000, 50_000, 0]) {
    server.plan({ when: ({ path }) => path.includes("/blobs/"), fault: { type: "cut", afterBytes } });
  }
  assert.deepEqual(Buffer.from(await collect(registry.fetchBlob(ref, blob, { signal }))), bytes);
  const ranges = server.requests.map(({ headers }) => headers.range);
  assert.deepEqual(ranges, [undefined, "bytes=100000-", "bytes=150000-", "bytes=150000-"]);
});

test("a download that breaks off starts over where the server knows no ranges", async (t) => {
  const { server, registry, ref } = await setup(t);
  server.plan({ when: ({ path }) => path.includes("/blobs/"), fault: { type: "cut", afterBytes: 100_000 } });
  server.plan({
    when: ({ path }) => path.includes("/blobs/"),
    fault: { type: "answer", status: 200, body: bytes.toString() },
  });
  assert.deepEqual(Buffer.from(await collect(registry.fetchBlob(ref, blob, { signal }))), bytes);
});

test("a download that always breaks at the same place ends with an error", async (t) => {
  const { server, registry, ref } = await setup(t);
  server.plan({ when: ({ path }) => path.includes("/blobs/"), fault: { type: "reset" }, times: 99 });
  await assert.rejects(collect(registry.fetchBlob(ref, blob, { signal })), {
    code: "unavailable",
    message: /^failed to do request: Get "http:.*": connection reset by peer/,
  });
  assert.equal(server.requests.length, 4);
});

test("passing trouble is waited for: broken connections, 429 and 5xx", async (t) => {
  const { server, registry, ref, manifest } = await setup(t);
  server.plan({ when: () => true, fault: { type: "reset" } });
  server.plan({ when: () => true, fault: { type: "answer", status: 429, headers: { "retry-after": "0" } } });
  server.plan({ when: () => true, fault: { type: "answer", status: 503 } });
  assert.deepEqual(await registry.resolve(ref, { signal }), manifest);
  assert.equal(server.requests.length, 4);
});

test("trouble that lasts is reported with what the server says", async (t) => {
  const { server, registry, ref } = await setup(t);
  const body = JSON.stringify({
    errors: [{ code: "TOOMANYREQUESTS", message: "You have reached your pull rate limit" }],
  });
  server.plan({
    when: () => true,
    fault: { type: "answer", status: 429, body, headers: { "retry-after": "3600" } },
    times: 9,
  });
  await assert.rejects(registry.resolve(ref, { signal }), {
    code: "resource_exhausted",
    message: `unexpected status from GET request to http://${server.host}/v2/app/manifests/1: 429 Too Many Requests: toomanyrequests: You have reached your pull rate limit: too many requests: wait a while, or log in for a higher limit (docker login ${server.host})`,
  });
});

test("a web page in place of a registry is called one", async (t) => {
  const { server, registry, ref, manifest } = await setup(t);
  const page = {
    type: "answer",
    status: 200,
    headers: { "content-type": "text/html; charset=utf-8" },
    body: "<html>Log in",
  } as const;
  server.plan({ when: () => true, fault: page, times: 9 });
  const message =
    /registry "127.0.0.1:\d+" answered GET http.* with an HTML page \(status 200\): check that the address is that of a registry/;
  await assert.rejects(registry.resolve(ref, { signal }), { message });
  await assert.rejects(registry.fetchManifest(ref, manifest, { signal }), { message });
});

test("pushBlob() uploads what is missing, then finds it there", async (t) => {
  const { server, registry } = await setup(t);
  const ref = parseReference(`${server.host}/new/place`);
  const progress: number[] = [];
  assert.equal(
    await registry.pushBlob(ref, blob, open, { signal, onProgress: (sent) => progress.push(sent) }),
    "pushed",
  );
  assert.deepEqual(seen(server), [
    "HEAD /v2/new/place/blobs/sha256:…",
    "POST /v2/new/place/blobs/uploads/",
    `PUT /v2/new/place/blobs/uploads/ID?state=a%2Fb&digest=${encodeURIComponent(blob.digest).replace(/[0-9a-f]{64}/, "…")}`,
  ]);
  assert.equal(progress.at(-1), bytes.byteLength);
  assert.deepEqual(server.storage.blob("new/place", blob.digest), bytes);
  assert.equal(await registry.pushBlob(ref, blob, () => assert.fail("must not be read"), { signal }), "exists");
});

test("pushBlob() follows relative locations, and pushes empty blobs", async (t) => {
  const { server, registry } = await setup(t, { relativeLocations: true });
  const ref = parseReference(`${server.host}/new`);
  assert.equal(await registry.pushBlob(ref, blob, open, { signal }), "pushed");
  assert.equal(
    await registry.pushBlob(ref, describe("x", Buffer.of()), () => chunked(Buffer.of()), { signal }),
    "pushed",
  );
});

test("pushBlob() mounts what another repository of the registry has", async (t) => {
  const { server, registry } = await setup(t);
  const ref = parseReference(`${server.host}/new`);
  const mountFrom = ["elsewhere.example/app", `${server.host}/new`, `${server.host}/none`, `${server.host}/app`];
  assert.equal(
    await registry.pushBlob(ref, blob, () => assert.fail("must not be read"), { signal, mountFrom }),
    "mounted",
  );
  assert.deepEqual(server.storage.blob("new", blob.digest), bytes);
});

test("pushBlob() uploads when nobody has it to mount, with the upload that was opened by trying", async (t) => {
  const { server, registry } = await setup(t);
  const ref = parseReference(`${server.host}/new`);
  assert.equal(await registry.pushBlob(ref, blob, open, { signal, mountFrom: [`${server.host}/none`] }), "pushed");
  assert.deepEqual(
    seen(server).map((line) => line.split(" ")[0]),
    ["HEAD", "POST", "PUT"],
  );
});

test("an upload that breaks off starts over", async (t) => {
  const { server, registry } = await setup(t);
  const ref = parseReference(`${server.host}/new`);
  server.plan({ when: ({ method }) => method === "PUT", fault: { type: "cut-upload", afterBytes: 100_000 } });
  server.plan({ when: ({ method }) => method === "PUT", fault: { type: "answer", status: 502 } });
  let opened = 0;
  const counting = () => {
    opened++;
    return open();
  };
  assert.equal(await registry.pushBlob(ref, blob, counting, { signal }), "pushed");
  assert.equal(opened, 3);
});

test("an upload whose own bytes fail ends at once, with that cause", async (t) => {
  const { server, registry } = await setup(t);
  const ref = parseReference(`${server.host}/new`);
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 1000);
    throw new Error("disk on fire");
  }
  await assert.rejects(registry.pushBlob(ref, blob, broken, { signal }), /^Error: disk on fire$/);
  await assert.rejects(registry.pushBlob(ref, { ...blob, size: 400 }, open, { signal }), {
    code: "data_loss",
    message: /of a blob to push, expected 400/,
  });
  await assert.rejects(registry.pushBlob(ref, { ...blob, size: 600_000 }, open, { signal }), {
    code: "data_loss",
    message: /size 500000 of a blob to push, expected 600000/,
  });
  assert.equal(server.storage.blob("new", blob.digest), undefined);
});

test("an upload of other bytes than promised is refused by the registry, in its words", async (t) => {
  const { server, registry } = await setup(t);
  const ref = parseReference(`${server.host}/new`);
  await assert.rejects(registry.pushBlob(ref, { ...blob, digest: digestOf("other") }, open, { signal }), {
    code: "invalid_argument",
    message:
      /unexpected status from PUT request to http:.*: 400 Bad Request: digest invalid: provided digest did not match uploaded content$/,
  });
});

test("at most four blobs are pushed to one host at once", async (t) => {
  const { server, registry } = await setup(t);
  let now = 0;
  let most = 0;
  const blobs = Array.from({ length: 12 }, (_, i) => Buffer.from(`blob ${i}`));
  await Promise.all(
    blobs.map(async (data, i) => {
      async function* counting(): AsyncGenerator<Uint8Array> {
        most = Math.max(most, ++now);
        await new Promise(setImmediate);
        yield data;
        now--;
      }
      await registry.pushBlob(parseReference(`${server.host}/r${i % 2}`), describe("x", data), counting, { signal });
    }),
  );
  assert.ok(most > 1 && most <= 4, `${most} at once`);
});

test("pushManifest() puts manifests and indexes, and says why one is refused", async (t) => {
  const { server, registry, ref, manifest } = await setup(t);
  const index = encodeIndex(createIndex({ family: "oci", manifests: [{ ...manifest, platform: linux }] }));
  const descriptor = await registry.pushManifest(ref, { mediaType: mediaTypes.ociIndex, bytes: index }, "all", {
    signal,
  });
  assert.deepEqual(descriptor, describe(mediaTypes.ociIndex, index));
  assert.deepEqual(await registry.hasManifest(ref, "all", { signal }), descriptor);
  assert.deepEqual(await registry.resolve(parseReference(`${server.host}/app:all`), { signal }), descriptor);

  await assert.rejects(
    registry.pushManifest(parseReference(`${server.host}/new`), { mediaType: mediaTypes.ociIndex, bytes: index }, "1", {
      signal,
    }),
    {
      code: "invalid_argument",
      message:
        /unexpected status from PUT request to .*\/v2\/new\/manifests\/1: 400 Bad Request: manifest blob unknown: blob unknown to registry \(sha256:[0-9a-f]{64}\)$/,
    },
  );
  await assert.rejects(
    registry.pushManifest(ref, { mediaType: mediaTypes.ociIndex, bytes: index }, digestOf("other"), { signal }),
    /Internal error/,
  );
});

test("cancelling ends what is under way with the caller's reason", async (t) => {
  const { server, registry, ref } = await setup(t);
  server.plan({ when: () => true, fault: { type: "hang" }, times: 99 });
  for (const call of [
    (s: AbortSignal) => registry.resolve(ref, { signal: s }),
    (s: AbortSignal) => collect(registry.fetchBlob(ref, blob, { signal: s })),
    (s: AbortSignal) => registry.pushBlob(ref, blob, open, { signal: s }),
  ]) {
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const before = server.requests.length;
    const calling = assert.rejects(call(controller.signal), reason);
    while (server.requests.length === before) await new Promise(setImmediate);
    controller.abort(reason);
    await calling;
  }
});

test("leaving a download early gives its place to the next one", async (t) => {
  const { registry, ref } = await setup(t);
  for (let i = 0; i < 6; i++) for await (const _ of registry.fetchBlob(ref, blob, { signal })) break;
  assert.equal((await collect(registry.fetchBlob(ref, blob, { signal }))).byteLength, blob.size);
});

test("mirrors are asked first; what they lack, or cannot say, comes from the registry itself", async (t) => {
  const mirror = await startTestRegistry();
  t.after(() => mirror[Symbol.asyncDispose]());
  const dead = "127.0.0.1:1";
  const hosts = (host: string) =>
    host === mirror.host || host === dead ? {} : { mirrors: [dead, `${mirror.host}/cache`] };
  const { server, registry, ref, manifest } = await setup(t, {}, { hosts });
  assert.deepEqual(await registry.resolve(ref, { signal }), manifest);
  assert.deepEqual(
    mirror.requests.map(({ path }) => path),
    ["/v2/cache/app/manifests/1"],
  );
  mirror.storage.addBlob("cache/app", bytes);
  const before = server.requests.length;
  assert.equal((await collect(registry.fetchBlob(ref, blob, { signal }))).byteLength, blob.size);
  assert.equal(server.requests.length, before, "the registry itself was not asked");
  mirror.plan({ when: () => true, fault: { type: "answer", status: 404 } });
  assert.equal((await collect(registry.fetchBlob(ref, blob, { signal }))).byteLength, blob.size);
});
