import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import {
  createIndex,
  createManifest,
  decodeIndex,
  decodeManifest,
  describe,
  type Descriptor,
  digestOf,
  encodeIndex,
  encodeManifest,
  mediaTypes,
  parsePlatform,
  parseReference,
} from "../../oci/mod.ts";
import { anonymous, openRegistry, type Registry } from "../../registry/mod.ts";
import { addImage, startTestRegistry, type TestRegistry } from "../../registry/testing/mod.ts";
import { type CompatibleOptions, mergeImage, type PushEvent, pushCompatibly } from "../mod.ts";
import { asAttestationOf } from "./filter-platforms.ts";
import { resolveSource } from "./source.ts";

const signal = AbortSignal.timeout(600_000);
const utf8 = new TextEncoder();

suite("an image for a registry that does not take everything", () => {
  let here: TestRegistry;
  let picky: TestRegistry;
  let registry: Registry;
  before(() => {
    registry = openRegistry({ credentials: anonymous, retry: { baseDelayMs: 1 } });
  });
  after(() => registry.close());
  beforeEach(async () => {
    [here, picky] = await Promise.all([startTestRegistry(), startTestRegistry()]);
  });
  afterEach(() => Promise.all([here, picky].map((server) => server[Symbol.asyncDispose]())));

  function image(server: TestRegistry, platform: string, mediaType: string = mediaTypes.ociLayerGzip): Descriptor {
    const bytes = utf8.encode(platform);
    const layers = [{ bytes, diffId: digestOf(bytes), mediaType }];
    return addImage(server, "app", undefined, { layers, platform: parsePlatform(platform) });
  }
  function attestationOf(server: TestRegistry, subject: Descriptor): Descriptor {
    const statement = utf8.encode(`{"about":"${subject.digest}"}`);
    server.storage.addBlob("app", statement);
    const config = describe(mediaTypes.ociConfig, statement);
    const layers = [describe(mediaTypes.inToto, statement)];
    const bytes = encodeManifest(createManifest({ family: "oci", config, layers }));
    server.storage.addManifest("app", { mediaType: mediaTypes.ociManifest, bytes });
    return asAttestationOf(subject.digest, describe(mediaTypes.ociManifest, bytes));
  }
  function index(server: TestRegistry, manifests: readonly Descriptor[], annotations?: Record<string, string>): void {
    const bytes = encodeIndex(createIndex({ family: "oci", manifests, ...(annotations ? { annotations } : {}) }));
    server.storage.addManifest("app", { mediaType: mediaTypes.ociIndex, bytes }, "1");
  }
  function refuse(when: (put: { readonly mediaType: string; readonly name: string }) => boolean, status = 400): void {
    picky.plan({
      when: ({ method, path, headers }) => {
        const name = /\/manifests\/(.+)$/.exec(path)?.[1];
        return method === "PUT" && name !== undefined && when({ name, mediaType: headers["content-type"] ?? "" });
      },
      times: 99,
      fault: { type: "answer", status, body: `{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid"}]}` },
    });
  }
  const push = async (
    from: string,
    to: readonly string[],
    options: Partial<CompatibleOptions> & { preferIndex?: boolean } = {},
  ) => {
    const reference = parseReference(from);
    const source = await resolveSource(
      registry,
      { source: { type: "reference", text: from, reference }, reference },
      { signal },
    );
    const merged = await mergeImage(registry, [source], { preferIndex: options.preferIndex ?? true, signal });
    const pushed = await pushCompatibly(registry, merged, to.map(parseReference), {
      mayChangeFormat: true,
      ...options,
      signal,
    });
    return { merged, ...pushed };
  };
  const isOci = ({ mediaType }: { mediaType: string }) => mediaType.startsWith("application/vnd.oci.");
  const puts = () => picky.requests.filter(({ method, path }) => method === "PUT" && path.includes("/manifests/"));

  test("is pushed as it is where nobody objects", async () => {
    index(here, [image(here, "linux/amd64")]);
    const { merged, descriptor, changed } = await push(`${here.host}/app:1`, [`${picky.host}/out:1`]);
    assert.deepEqual([descriptor, changed], [merged.descriptor, undefined]);
  });

  test("is pushed before what it says of itself, which some registries want", async () => {
    const amd64 = image(here, "linux/amd64");
    const attestation = attestationOf(here, amd64);
    index(here, [attestation, amd64]);
    await push(`${here.host}/app:1`, [`${picky.host}/out:1`]);
    assert.deepEqual(
      puts().map(({ path }) => path.split("/").at(-1)),
      [amd64.digest, attestation.digest, "1"],
    );
  });

  test("gets Docker's formats where OCI's are refused, the same digest everywhere, its tags last", async () => {
    const arm = image(here, "linux/arm/v7");
    index(here, [image(here, "linux/amd64"), arm]);
    refuse(isOci);
    const to = [`${picky.host}/out:1`, `${picky.host}/out:2`, `${here.host}/copy:1`];
    const { descriptor, changed } = await push(`${here.host}/app:1`, to);
    assert.deepEqual(changed?.change, { format: true, attestations: false, annotations: false });
    assert.equal(changed?.refused.registry, picky.host);
    for (const [server, repository, tag] of [
      [picky, "out", "1"],
      [picky, "out", "2"],
      [here, "copy", "1"],
    ] as const) {
      const stored = server.storage.manifest(repository, tag);
      assert.deepEqual(describe(mediaTypes.dockerIndex, stored?.bytes ?? Buffer.of()), descriptor);
      const { manifests } = decodeIndex(stored?.bytes ?? Buffer.of());
      assert.deepEqual(
        manifests.map(({ mediaType, platform }) => [mediaType, platform?.architecture, platform?.variant]),
        [
          [mediaTypes.dockerManifest, "amd64", undefined],
          [mediaTypes.dockerManifest, "arm", "v7"],
        ],
      );
      const child = server.storage.manifest(repository, manifests[1]?.digest ?? "");
      const { config, layers } = decodeManifest(child?.bytes ?? Buffer.of(), child?.mediaType);
      assert.equal(config.mediaType, mediaTypes.dockerConfig);
      assert.deepEqual(
        layers.map(({ mediaType }) => mediaType),
        [mediaTypes.dockerLayerGzip],
      );
      const old = decodeManifest(here.storage.manifest("app", arm.digest)?.bytes ?? Buffer.of());
      assert.deepEqual([config.digest, layers[0]?.digest], [old.config.digest, old.layers[0]?.digest]);
    }
    const names = puts().map(({ path }) => path.split("/").at(-1) ?? "");
    const firstTag = names.findIndex((name) => !name.startsWith("sha256:"));
    assert.ok(
      names.slice(firstTag).every((name) => name === "1" || name === "2"),
      names.join(" "),
    );
  });

  test("leaves its attestations behind where it is those that are refused, and is OCI's still", async () => {
    const amd64 = image(here, "linux/amd64");
    const attestation = attestationOf(here, amd64);
    index(here, [amd64, attestation]);
    refuse(({ name }) => name === attestation.digest);
    const events: PushEvent[] = [];
    const { descriptor, changed } = await push(`${here.host}/app:1`, [`${picky.host}/out:1`], {
      onEvent: (event) => events.push(event),
    });
    assert.deepEqual(changed?.change, { format: false, attestations: true, annotations: false });
    assert.equal(descriptor.mediaType, mediaTypes.ociIndex);
    const { manifests } = decodeIndex(picky.storage.manifest("out", "1")?.bytes ?? Buffer.of());
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [amd64.digest],
    );
    assert.deepEqual(
      events.filter(({ type }) => type === "started" || type === "ended").map(({ type }) => type),
      ["started", "ended"],
      "one step, which has gone well",
    );
    assert.ok(!events.some((event) => event.type === "ended" && event.error !== undefined));
  });

  test("loses both, and its annotations, where all of it is refused", async () => {
    const amd64 = image(here, "linux/amd64");
    index(here, [amd64, attestationOf(here, amd64)], { a: "b" });
    refuse(isOci);
    const { descriptor, changed } = await push(`${here.host}/app:1`, [`${picky.host}/out:1`]);
    assert.deepEqual(changed?.change, { format: true, attestations: true, annotations: true });
    assert.equal(picky.storage.manifest("out", "1")?.mediaType, mediaTypes.dockerIndex);
    assert.equal(digestOf(picky.storage.manifest("out", "1")?.bytes ?? Buffer.of()), descriptor.digest);
  });

  test("is one manifest still when it was one", async () => {
    const { digest } = image(here, "linux/amd64");
    refuse(isOci);
    const { descriptor } = await push(`${here.host}/app@${digest}`, [`${picky.host}/out:1`], { preferIndex: false });
    assert.equal(descriptor.mediaType, mediaTypes.dockerManifest);
    assert.equal(picky.storage.manifest("out", "1")?.mediaType, mediaTypes.dockerManifest);
  });

  test("by digest, gets no tag in any form", async () => {
    index(here, [image(here, "linux/amd64")]);
    refuse(isOci);
    const { descriptor } = await push(`${here.host}/app:1`, [`${picky.host}/out`], { byDigest: true });
    assert.equal(picky.storage.manifest("out", descriptor.digest)?.mediaType, mediaTypes.dockerIndex);
    assert.deepEqual(picky.storage.tags("out"), []);
  });

  for (const [why, plan] of [
    ["its format was chosen", { options: { mayChangeFormat: false } }],
    ["its digest is given", { digest: true }],
    ["it has layers that Docker's formats have no name for", { layer: mediaTypes.ociLayerZstd }],
    ["another form is refused too", { refuses: () => true }],
    ["the refusal is about something else", { status: 403 }],
  ] as const) {
    test(`is refused in the registry's words, and nothing tagged, when ${why}`, async () => {
      const {
        options = {},
        digest = false,
        layer,
        refuses = isOci,
        status,
      } = { status: 400, ...plan } as {
        options?: object;
        digest?: boolean;
        layer?: string;
        refuses?: typeof isOci;
        status: number;
      };
      index(here, [image(here, "linux/amd64", layer)]);
      refuse(refuses, status);
      const top = digestOf(here.storage.manifest("app", "1")?.bytes ?? Buffer.of());
      const to = `${picky.host}/out${digest ? `@${top}` : ":1"}`;
      await assert.rejects(push(`${here.host}/app:1`, [to], options), new RegExp(`${status} .*manifest invalid`));
      assert.deepEqual(picky.storage.tags("out") ?? [], []);
    });
  }
});
