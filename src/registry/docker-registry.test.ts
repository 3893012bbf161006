import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import {
  collectBytes,
  createIndex,
  createManifest,
  describe,
  digestOf,
  encodeIndex,
  encodeManifest,
  mediaTypes,
  parseReference,
} from "../oci/mod.ts";
import { anonymous, openRegistry } from "./mod.ts";

const { signal } = new AbortController();
const missing = spawnSync("docker-registry", ["--version"]).error !== undefined;

/** Starts the real thing on a free port. @returns its host */
async function startDockerRegistry(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-registry-"));
  const config = {
    version: 0.1,
    log: { level: "info" },
    storage: { filesystem: { rootdirectory: join(directory, "data") } },
    http: { addr: "127.0.0.1:0" },
  };
  await writeFile(join(directory, "config.yml"), JSON.stringify(config));
  const child = spawn("docker-registry", ["serve", join(directory, "config.yml")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  t.after(async () => {
    if (child.exitCode === null && child.kill("SIGKILL")) await once(child, "exit");
    await rm(directory, { recursive: true, force: true });
  });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`docker-registry ended with ${code}`)));
    createInterface(child.stderr).on("line", (line) => {
      const [, host] = /listening on (127\.0\.0\.1:\d+)\b/.exec(line) ?? [];
      if (host !== undefined) resolve(host);
    });
  });
}

test("the same blobs can be pushed to a real docker-registry from several sides at once", {
  skip: missing && "docker-registry is not installed",
}, async (t) => {
  const host = await startDockerRegistry(t);
  const push = async (round: number, side: number) => {
    await using registry = openRegistry({ credentials: anonymous, env: {} });
    const ref = parseReference(`${host}/round-${round}:${side}`);
    const contents = [0, 1, 2].map((at) => Buffer.from(`${round} ${at}`));
    const [config, ...layers] = contents.map((bytes) => describe(mediaTypes.ociLayer, bytes));
    assert.ok(config);
    const open = async function* (bytes: Uint8Array) {
      yield bytes;
    };
    const pushAll = async (lost: readonly string[], anew: boolean) => {
      const some = contents.filter((bytes) => lost.includes(digestOf(bytes)));
      await Promise.all(
        some.map((bytes) => registry.pushBlob(ref, describe("", bytes), () => open(bytes), { signal, anew })),
      );
    };
    await pushAll(contents.map(digestOf), false);
    const annotations = { side: String(side) };
    const bytes = encodeManifest(createManifest({ family: "oci", config, layers, annotations }));
    const manifest = { mediaType: mediaTypes.ociManifest, bytes };
    await registry.pushManifest(ref, manifest, `${side}`, { signal, pushAgain: (lost) => pushAll(lost, true) });
  };
  for (let round = 0; round < 10; round++) await Promise.all([0, 1, 2].map((side) => push(round, side)));
});

test("an image goes into a real docker-registry and comes back", {
  skip: missing && "docker-registry is not installed",
}, async (t) => {
  const host = await startDockerRegistry(t);
  await using registry = openRegistry({ credentials: anonymous, env: {} });
  const ref = parseReference(`${host}/some/app:1`);
  const layer = Buffer.alloc(20_000_000, "layer ");
  const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');
  const descriptors = { layer: describe(mediaTypes.ociLayer, layer), config: describe(mediaTypes.ociConfig, config) };
  async function* open(data: Uint8Array): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < data.byteLength; at += 1 << 18) yield data.subarray(at, at + (1 << 18));
  }

  await assert.rejects(registry.resolve(ref, { signal }), { code: "not_found" });
  assert.equal(await registry.pushBlob(ref, descriptors.layer, () => open(layer), { signal }), "pushed");
  assert.equal(await registry.pushBlob(ref, descriptors.layer, () => open(layer), { signal }), "exists");
  assert.equal(await registry.pushBlob(ref, descriptors.config, () => open(config), { signal }), "pushed");
  const other = parseReference(`${host}/other:1`);
  assert.equal(
    await registry.pushBlob(other, descriptors.layer, () => assert.fail("must not be read"), {
      signal,
      mountFrom: [`${host}/some/app`],
    }),
    "mounted",
  );

  const manifest = encodeManifest(
    createManifest({ family: "oci", config: descriptors.config, layers: [descriptors.layer] }),
  );
  const pushed = await registry.pushManifest(
    ref,
    { mediaType: mediaTypes.ociManifest, bytes: manifest },
    digestOf(manifest),
    { signal },
  );
  const index = encodeIndex(
    createIndex({ family: "oci", manifests: [{ ...pushed, platform: { os: "linux", architecture: "amd64" } }] }),
  );
  await registry.pushManifest(ref, { mediaType: mediaTypes.ociIndex, bytes: index }, "1", { signal });

  const resolved = await registry.resolve(ref, { signal });
  assert.deepEqual(resolved, describe(mediaTypes.ociIndex, index));
  assert.deepEqual(Buffer.from(await registry.fetchManifest(ref, resolved, { signal })), Buffer.from(index));
  assert.equal(
    digestOf(await collectBytes(registry.fetchBlob(ref, descriptors.layer, { signal }), { limitBytes: 2 ** 25 })),
    descriptors.layer.digest,
  );
  const tail = await collectBytes(registry.fetchBlob(ref, descriptors.layer, { signal, offset: 19_999_999 }), {
    limitBytes: 10,
  });
  assert.deepEqual(Buffer.from(tail), layer.subarray(-1));
  await assert.rejects(
    registry.pushManifest(other, { mediaType: mediaTypes.ociManifest, bytes: manifest }, "1", { signal }),
    {
      code: "invalid_argument",
      message: /400 Bad Request: .*blob unknown/,
    },
  );
});
