import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import {
  createIndex,
  createManifest,
  describe,
  type Descriptor,
  digestOf,
  encodeIndex,
  encodeManifest,
  mediaTypes,
} from "../../oci/mod.ts";
import { anonymous, openRegistry, type Registry } from "../../registry/mod.ts";
import { addImage, startTestRegistry, type TestRegistry } from "../../registry/testing/mod.ts";
import { inspectImage, inspectRaw } from "./inspect.ts";

const signal = AbortSignal.timeout(600_000);
const utf8 = new TextEncoder();

/** An index of two images and a statement about the first of them, as builds with attestations make it. */
function addIndex(registry: TestRegistry): { children: Descriptor[]; bytes: Uint8Array } {
  const layer = (text: string) => {
    const bytes = utf8.encode(text);
    return { layers: [{ bytes, diffId: digestOf(bytes), mediaType: mediaTypes.ociLayer }] };
  };
  const images = [
    addImage(registry, "hello", "amd64", { ...layer("a"), platform: { os: "linux", architecture: "amd64" } }),
    addImage(registry, "hello", undefined, {
      ...layer("b"),
      platform: { os: "linux", architecture: "arm", variant: "v7" },
    }),
  ];
  const statement = utf8.encode(
    JSON.stringify({ predicateType: "https://slsa.dev/provenance/v1", predicate: { by: "<us>" } }),
  );
  const config = utf8.encode("{}");
  for (const blob of [statement, config]) registry.storage.addBlob("hello", blob);
  const about = encodeManifest(
    createManifest({
      family: "oci",
      config: describe(mediaTypes.ociConfig, config),
      layers: [
        {
          ...describe("application/vnd.in-toto+json", statement),
          annotations: { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" },
        },
      ],
    }),
  );
  registry.storage.addManifest("hello", { mediaType: mediaTypes.ociManifest, bytes: about });
  const children: Descriptor[] = [
    ...images,
    {
      ...describe(mediaTypes.ociManifest, about),
      platform: { os: "unknown", architecture: "unknown" },
      annotations: {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": images[0]?.digest ?? "",
      },
    },
  ];
  const bytes = encodeIndex(createIndex({ family: "oci", manifests: children }));
  registry.storage.addManifest("hello", { mediaType: mediaTypes.ociIndex, bytes }, "latest");
  return { children, bytes };
}

suite("inspectImage()", () => {
  let server: TestRegistry;
  let registry: Registry;
  let index: ReturnType<typeof addIndex>;
  before(async () => {
    server = await startTestRegistry();
    registry = openRegistry({ credentials: anonymous });
    index = addIndex(server);
  });
  after(async () => {
    await registry.close();
    await server[Symbol.asyncDispose]();
  });
  const inspect = (tag: string, format = "") =>
    inspectImage(registry, `${server.host}/hello${tag}`, { format, signal });

  test("lists an index's children in docker buildx's layout", async () => {
    const name = `${server.host}/hello:latest`;
    const [amd64, arm, about] = index.children.map(({ digest }) => digest);
    const want = [
      `Name:      ${name}`,
      "MediaType: application/vnd.oci.image.index.v1+json",
      `Digest:    ${digestOf(index.bytes)}`,
      "           ",
      "Manifests: ",
      `  Name:        ${name}@${amd64}`,
      "  MediaType:   application/vnd.oci.image.manifest.v1+json",
      "  Platform:    linux/amd64",
      "               ",
      `  Name:        ${name}@${arm}`,
      "  MediaType:   application/vnd.oci.image.manifest.v1+json",
      "  Platform:    linux/arm/v7",
      "               ",
      `  Name:        ${name}@${about}`,
      "  MediaType:   application/vnd.oci.image.manifest.v1+json",
      "  Platform:    unknown/unknown",
      "  Annotations: ",
      `    vnd.docker.reference.digest: ${amd64}`,
      "    vnd.docker.reference.type:   attestation-manifest",
      "",
    ];
    assert.deepEqual((await inspect("")).split("\n"), want);
    assert.equal(await inspect("", "{{ .Manifest }}"), want.join("\n"));
  });
  test("shows a single manifest in three lines", async () => {
    assert.match(
      await inspect(":amd64"),
      /^Name: {6}\S+:amd64\nMediaType: \S+manifest\.v1\+json\nDigest: {4}sha256:\w+\n$/,
    );
  });
  test("fills templates with the manifest", async () => {
    assert.equal(await inspect("", "{{.Manifest.Digest}}"), digestOf(index.bytes));
    const json = JSON.parse(await inspect("", "{{json .Manifest}}")) as Record<string, unknown>;
    assert.deepEqual(Object.keys(json), ["schemaVersion", "mediaType", "digest", "size", "manifests"]);
    assert.deepEqual(Object.keys(JSON.parse(await inspect(":amd64", "{{json .Manifest}}")) as object), [
      "mediaType",
      "digest",
      "size",
    ]);
  });
  test("gives image configs by platform, and a single one by itself", async () => {
    const several = JSON.parse(await inspect("", "{{json .Image}}")) as Record<string, { architecture: string }>;
    assert.deepEqual(Object.keys(several), ["linux/amd64", "linux/arm/v7"]);
    assert.equal(await inspect(":amd64", "{{.Image.Architecture}}"), "amd64");
    assert.equal(await inspect("", '{{(index .Image "linux/arm/v7").Variant}}'), "v7");
  });
  test("finds statements about images, and escapes what HTML would mind", async () => {
    const text = await inspect("", "{{json .Provenance}}");
    assert.deepEqual(JSON.parse(text), { "linux/amd64": { SLSA: { by: "<us>" } } });
    assert.match(text, /\\u003cus\\u003e/);
    assert.equal(await inspect("", "{{json .SBOM}}"), "{}");
  });
  test("gives the exact bytes for --raw", async () => {
    assert.deepEqual(
      Buffer.from(await inspectRaw(registry, `${server.host}/hello`, { signal })),
      Buffer.from(index.bytes),
    );
  });
  test("asks the registry for nothing that is not shown", async () => {
    const before = server.requests.length;
    await inspect("", "{{.Manifest.Digest}}");
    assert.deepEqual(
      server.requests.slice(before).filter(({ path }) => path.includes("/blobs/")),
      [],
    );
  });
  test("refuses wrong templates before it asks anybody, and unknown names", async () => {
    const before = server.requests.length;
    await assert.rejects(inspect("", "{{.Name"), { message: /unclosed action/ });
    assert.equal(server.requests.length, before);
    await assert.rejects(inspect("", "{{.Nam}}"), { message: /can't evaluate field Nam/ });
    await assert.rejects(inspect(":nope"), { code: "not_found", message: `${server.host}/hello:nope: not found` });
  });
});
