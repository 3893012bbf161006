import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import {
  createIndex,
  createManifest,
  decodeIndex,
  describe,
  type Descriptor,
  digestOf,
  encodeIndex,
  encodeManifest,
  type ImageIndex,
  mediaTypes,
  parsePlatform,
  parseReference,
} from "../../oci/mod.ts";
import { anonymous, openRegistry, type Registry } from "../../registry/mod.ts";
import { addImage, startTestRegistry, type TestRegistry } from "../../registry/testing/mod.ts";
import {
  createMergedIndex,
  mergeImage,
  type MergeOptions,
  parseAnnotation,
  parseSource,
  placeSources,
} from "../mod.ts";
import { knownSource, resolveSource, type Source } from "./source.ts";

const signal = AbortSignal.timeout(600_000);
const utf8 = new TextEncoder();

function image(server: TestRegistry, repository: string, tag: string | undefined, platform: string): Descriptor {
  const bytes = utf8.encode(`${repository} ${platform}`);
  const layers = [{ bytes, diffId: digestOf(bytes), mediaType: mediaTypes.ociLayer }];
  return addImage(server, repository, tag, { layers, platform: parsePlatform(platform) });
}

/** A manifest without layers worth mentioning, about `subject`. */
function artifact(server: TestRegistry, repository: string, parts: { subject?: Descriptor; artifactType?: string }) {
  const config = utf8.encode("{}");
  server.storage.addBlob(repository, config);
  const bytes = encodeManifest(
    createManifest({ family: "oci", config: describe(mediaTypes.ociEmpty, config), layers: [], ...parts }),
  );
  server.storage.addManifest(repository, { mediaType: mediaTypes.ociManifest, bytes });
  return describe(mediaTypes.ociManifest, bytes);
}

function index(server: TestRegistry, repository: string, tag: string, manifests: readonly Descriptor[]): Uint8Array {
  const bytes = encodeIndex(createIndex({ family: "oci", manifests }));
  server.storage.addManifest(repository, { mediaType: mediaTypes.ociIndex, bytes }, tag);
  return bytes;
}

suite("images made of images", () => {
  let here: TestRegistry;
  let there: TestRegistry;
  let registry: Registry;
  before(() => {
    registry = openRegistry({ credentials: anonymous, retry: { baseDelayMs: 1 } });
  });
  after(() => registry.close());
  beforeEach(async () => {
    [here, there] = await Promise.all([startTestRegistry(), startTestRegistry()]);
  });
  afterEach(() => Promise.all([here, there].map((server) => server[Symbol.asyncDispose]())));

  const sourcesOf = (...texts: string[]): Promise<Source[]> =>
    Promise.all(placeSources(texts.map(parseSource), []).map((place) => resolveSource(registry, place, { signal })));
  const merge = async (texts: readonly string[], options: Omit<MergeOptions, "signal"> = {}) =>
    await mergeImage(registry, await sourcesOf(...texts), { ...options, signal });
  const create = async (texts: readonly string[], targets: readonly string[]) =>
    await createMergedIndex(registry, await sourcesOf(...texts), targets.map(parseReference), { signal });
  const held = (server: TestRegistry, repository: string, name: string): ImageIndex =>
    decodeIndex(server.storage.manifest(repository, name)?.bytes ?? new Uint8Array());

  test("one index of what several registries have, its children copied, under all names", async () => {
    const amd64 = image(here, "a", "1-amd64", "linux/amd64");
    const arm = image(there, "b", "1-arm", "linux/arm/v7");
    const names = [`${here.host}/out:1`, `${here.host}/out:2`, `${there.host}/x/out:latest`];
    const { digest } = await create([`${here.host}/a:1-amd64`, `${there.host}/b:1-arm`], names);
    for (const [server, repository, tag] of [
      [here, "out", "1"],
      [here, "out", "2"],
      [there, "x/out", "latest"],
    ] as const) {
      const made = held(server, repository, tag);
      assert.deepEqual(made.manifests, [amd64, arm]);
      assert.equal(digestOf(server.storage.manifest(repository, tag)?.bytes ?? new Uint8Array()), digest);
    }
  });

  test("an index by itself is copied byte for byte", async () => {
    const bytes = index(here, "a", "all", [image(here, "a", undefined, "linux/amd64")]);
    const { digest } = await create([`${here.host}/a:all`], [`${there.host}/copy`]);
    assert.equal(digest, digestOf(bytes));
    assert.deepEqual(there.storage.manifest("copy", "latest")?.bytes, Buffer.from(bytes));
  });

  test("within a registry, blobs are mounted and not sent", async () => {
    image(here, "a", "1", "linux/amd64");
    await create([`${here.host}/a:1`], [`${here.host}/b:1`]);
    const sent = here.requests.filter(({ method, path }) => method === "PUT" && path.includes("/blobs/"));
    assert.deepEqual(sent, []);
    const mounted = here.requests.filter(({ method, path }) => method === "POST" && path.includes("mount="));
    assert.equal(mounted.length, 2);
  });

  test("children that come twice are one, and the later word counts", async () => {
    const amd64 = image(here, "a", "1", "linux/amd64");
    index(here, "a", "all", [amd64, image(here, "a", undefined, "linux/arm64")]);
    const said = JSON.stringify({
      digest: amd64.digest,
      annotations: { k: "v" },
      platform: { os: "linux", architecture: "386" },
    });
    const { index: made } = await merge([`${here.host}/a:all`, said]);
    assert.deepEqual(
      made?.manifests.map(({ platform, annotations }) => [platform?.architecture, annotations]),
      [
        ["386", { k: "v" }],
        ["arm64", undefined],
      ],
    );
  });

  test("Docker's manifests alone make a Docker list, which takes no annotations", async () => {
    const config = utf8.encode(JSON.stringify({ os: "linux", architecture: "arm64", variant: "v8" }));
    here.storage.addBlob("d", config);
    const manifest = createManifest({
      family: "docker",
      config: describe(mediaTypes.dockerConfig, config),
      layers: [],
    });
    const mediaType = mediaTypes.dockerManifest;
    here.storage.addManifest("d", { mediaType, bytes: encodeManifest(manifest) }, "1");
    const annotations = parseAnnotation("index:a=b");
    const made = await merge([`${here.host}/d:1`], { annotations });
    assert.equal(made.descriptor.mediaType, mediaTypes.dockerIndex);
    assert.equal(made.index?.annotations, undefined);
    assert.deepEqual(made.index?.manifests[0]?.platform, { os: "linux", architecture: "arm64" });
    image(here, "a", "1", "linux/amd64");
    const mixed = await merge([`${here.host}/d:1`, `${here.host}/a:1`], { annotations });
    assert.equal(mixed.descriptor.mediaType, mediaTypes.ociIndex);
    assert.deepEqual(mixed.index?.annotations, { a: "b" });
  });

  test("statements stay with what they are about when platforms are filtered", async () => {
    const [amd64, arm64] = [image(here, "a", undefined, "linux/amd64"), image(here, "a", undefined, "linux/arm64")];
    const about = (subject: Descriptor, artifactType: string): Descriptor => ({
      ...artifact(here, "a", { artifactType }),
      platform: { os: "unknown", architecture: "unknown" },
      annotations: {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": subject.digest,
      },
    });
    const [ofAmd64, ofArm64] = [about(amd64, "one"), about(arm64, "two")];
    index(here, "a", "all", [amd64, arm64, ofAmd64, ofArm64]);
    const platforms = [parsePlatform("linux/arm64")];
    const made = await merge([`${here.host}/a:all`], { platforms });
    assert.deepEqual(
      made.index?.manifests.map(({ digest }) => digest),
      [arm64.digest, ofArm64.digest],
    );
    await assert.rejects(merge([`${here.host}/a:all`], { platforms: [parsePlatform("windows/amd64")] }), {
      message: "none of the manifests match the provided platforms",
    });
    const one = [`${here.host}/a@${amd64.digest}`];
    await assert.rejects(merge(one, { platforms, preferIndex: false }), {
      message: "input platform linux/amd64 does not match any of the provided platforms",
    });
  });

  for (const api of [true, false]) {
    test(`signatures and statements beside an image are copied with it, ${api ? "with" : "without"} the referrers API`, async () => {
      const amd64 = image(here, "a", "1", "linux/amd64");
      const signature = artifact(here, "a", {
        subject: amd64,
        artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json",
      });
      const statement = artifact(here, "a", { subject: amd64, artifactType: mediaTypes.attestationManifest });
      const other = artifact(here, "a", { subject: amd64, artifactType: "application/x-other" });
      if (!api) {
        const gone = { type: "answer", status: 404 } as const;
        there.plan({ when: ({ path }) => path.includes("/referrers/"), times: 100, fault: gone });
      }
      await create([`${here.host}/a:1`], [`${there.host}/b:1`]);
      for (const { digest } of [signature, statement]) assert.ok(there.storage.manifest("b", digest));
      assert.equal(there.storage.manifest("b", other.digest), undefined);
      const found = await registry.referrers(parseReference(`${there.host}/b`), amd64.digest, { signal });
      assert.deepEqual(new Set(found.map(({ digest }) => digest)), new Set([signature.digest, statement.digest]));
      assert.deepEqual(
        held(there, "b", "1").manifests.map(({ digest, platform }) => [digest, platform?.os]),
        [
          [amd64.digest, "linux"],
          [statement.digest, "unknown"],
        ],
      );
    });
  }

  test("what is known of sources is not asked for again", async () => {
    const indexes = ["linux/amd64", "linux/arm64"].map((platform, at) =>
      index(here, "a", `${at}`, [image(here, "a", undefined, platform)]),
    );
    const texts = indexes.map((bytes) => JSON.stringify(describe(mediaTypes.ociIndex, bytes)));
    const places = placeSources(texts.map(parseSource), [parseReference(`${here.host}/a:all`)]);
    const sources = places.flatMap((place) => knownSource(place) ?? []);
    const merged = await mergeImage(registry, sources, { justPushed: true, signal });
    assert.equal(merged.children.length, 2);
    assert.deepEqual(
      here.requests.map(({ method, path }) => `${method} ${path}`).toSorted(),
      indexes.map((bytes) => `GET /v2/a/manifests/${digestOf(bytes)}`).toSorted(),
    );
    const [unknown] = placeSources(
      [parseSource(digestOf(indexes[0] as Uint8Array))],
      [parseReference(`${here.host}/a`)],
    );
    assert.equal(unknown && knownSource(unknown), undefined);
  });

  test("what has just been pushed is looked for again", async () => {
    const bytes = index(here, "a", "1", [image(here, "a", undefined, "linux/amd64")]);
    const descriptor = describe(mediaTypes.ociIndex, bytes);
    const sources = [{ reference: parseReference(`${here.host}/a@${descriptor.digest}`), descriptor }];
    const isGet = ({ method }: { method: string }) => method === "GET";
    const body = `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`;
    here.plan({ when: isGet, times: 2, fault: { type: "answer", status: 404, body } });
    await assert.rejects(mergeImage(registry, sources, { signal }), { code: "not_found" });
    assert.deepEqual((await mergeImage(registry, sources, { justPushed: true, signal })).descriptor, descriptor);
  });

  test("broken connections and passing failures cost nothing but time", async () => {
    image(here, "a", "1", "linux/amd64");
    here.plan({
      when: ({ method, path }) => method === "GET" && path.includes("/blobs/"),
      fault: { type: "cut", afterBytes: 5 },
    });
    there.plan({ when: ({ method }) => method === "PUT", times: 2, fault: { type: "answer", status: 503 } });
    const { digest } = await create([`${here.host}/a:1`], [`${there.host}/b:1`]);
    assert.ok(there.storage.manifest("b", digest));
  });

  test("what the registry has told wrongly to be there is copied after all", async () => {
    const amd64 = image(there, "b", "1", "linux/amd64");
    const lies = ({ method, path }: { method: string; path: string }) => method === "HEAD" && path.includes("/blobs/");
    here.plan({ when: lies, times: 2, fault: { type: "answer", status: 200 } });
    await create([`${there.host}/b:1`], [`${here.host}/out:1`]);
    assert.deepEqual(
      held(here, "out", "1").manifests.map(({ digest }) => digest),
      [amd64.digest],
    );
  });

  test("when something cannot be copied, no name is given and the error says what and where", async () => {
    const { digest } = image(here, "a", "1", "linux/amd64");
    const refused = {
      type: "answer",
      status: 403,
      body: '{"errors":[{"code":"DENIED","message":"not yours"}]}',
    } as const;
    there.plan({ when: ({ method }) => method === "POST", times: 100, fault: refused });
    await assert.rejects(create([`${here.host}/a:1`], [`${there.host}/b:1`]), {
      code: "permission_denied",
      message: new RegExp(`^copy ${digest} from ${here.host}/a:1 to ${there.host}/b:1: .*denied: not yours`),
    });
    assert.equal(there.storage.tags("b"), undefined);
  });

  test("annotations go where they say, for whom they say", async () => {
    const amd64 = image(here, "a", "1", "linux/amd64");
    const arm64 = image(here, "a", "2", "linux/arm64");
    const annotations = ["index,manifest-descriptor[linux/arm64]:k=v=w", "manifest-descriptor:all=x"].flatMap(
      parseAnnotation,
    );
    const { index: made } = await merge([`${here.host}/a:1`, `${here.host}/a:2`], { annotations });
    assert.deepEqual(made?.annotations, { k: "v=w" });
    assert.deepEqual(made?.manifests, [
      { ...amd64, annotations: { all: "x" } },
      { ...arm64, annotations: { k: "v=w", all: "x" } },
    ]);
    for (const [text, message] of [
      ["k=v", '"" annotations are not supported yet'],
      ["manifest:k=v", '"manifest" annotations are not supported yet'],
      ["index-descriptor:k=v", '"index-descriptor" annotations are invalid while creating an image'],
    ] as const) {
      await assert.rejects(merge([`${here.host}/a:1`], { annotations: parseAnnotation(text) }), { message });
    }
  });
});

test("sources and annotations that make no sense are refused in docker buildx's words", () => {
  const prefix = (text: string) =>
    `failed to parse source ${JSON.stringify(text)}, valid sources are digests, references and descriptors: `;
  for (const [text, why] of [
    ["X", "invalid reference format: repository name (library/X) must be lowercase"],
    ['{"schemaVersion":2}', "expected an OCI content descriptor, got a manifest or index (schemaVersion 2)"],
    ['{"mediaType":"x"}', "invalid descriptor: digest is required"],
  ] as const) {
    assert.throws(() => parseSource(text), { message: prefix(text) + why });
  }
  const digest = `sha256:${"a".repeat(64)}`;
  assert.throws(() => placeSources([parseSource(digest)], []), { message: /^no repositories specified/ });
  assert.throws(() => placeSources(["a", "b", digest].map(parseSource), []), {
    message: `multiple repositories specified, cannot infer repository for "${digest}"`,
  });
  for (const [text, message] of [
    ["k", 'invalid annotation "k", expected key=value'],
    ["some:k=v", 'unknown annotation type "some"'],
    ["Index:k=v", 'invalid annotation type "Index", expected type and optional platform in square brackets'],
    ["manifest[nope/]:k=v", 'invalid platform "nope/"'],
  ] as const) {
    assert.throws(() => parseAnnotation(text), { message });
  }
});
