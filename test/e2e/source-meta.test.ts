/** What frontends are told of sources before they use them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { gateway } from "../../src/api/mod.ts";
import type { MessageInitShape } from "../../src/base/protobuf/mod.ts";
import { digestOf, mediaTypes } from "../../src/oci/mod.ts";
import { must, serveFiles, startGit } from "../lab/mod.ts";
import { leading } from "./gateway-client.ts";
import { openHouse } from "./harness.ts";
import { openRawClient } from "./raw-client.ts";

const house = await openHouse();
const { client } = await openRawClient(house);
const git = house.own(await startGit());
const files = house.own(await serveFiles({ "/data.txt": "data\n" }));

/** Asks about one source. */
async function meta(
  request: MessageInitShape<typeof gateway.ResolveSourceMetaRequestSchema>,
): Promise<gateway.ResolveSourceMetaResponse> {
  let answer: gateway.ResolveSourceMetaResponse | undefined;
  await leading(client, async (bridge) => {
    answer = await bridge.resolveSourceMeta(request);
  });
  assert.ok(answer);
  return answer;
}

test("a commit, and the tag that stands for it, as they are kept", async () => {
  await git.repository("objects.git", [{ f: "one" }]);
  const directory = `${git.directory}/objects.git`;
  const author = ["-c", "user.name=Lab", "-c", "user.email=lab@example.org"];
  await must("git", ["-C", directory, ...author, "tag", "--annotate", "--message", "words", "annotated"]);
  const of = async (ref: string) => {
    const attrs = { "git.fullurl": `${git.address}/objects.git` };
    const Source = { identifier: `git://example.org/objects.git#${ref}`, attrs };
    return (await meta({ Source, Git: { ReturnObject: true } })).Git;
  };
  const nameOf = (type: string, bytes: Uint8Array) =>
    createHash("sha1").update(`${type} ${bytes.byteLength}\0`).update(bytes).digest("hex");
  const commit = await git.commit("objects.git", "main");
  const tag = (await must("git", ["-C", directory, "rev-parse", "annotated"])).trim();
  const tagged = await of("annotated");
  assert.deepEqual([tagged?.Checksum, tagged?.CommitChecksum, tagged?.Ref], [tag, commit, "refs/tags/annotated"]);
  assert.equal(nameOf("tag", tagged?.TagObject ?? Buffer.alloc(0)), tag);
  assert.equal(nameOf("commit", tagged?.CommitObject ?? Buffer.alloc(0)), commit);
  const plain = await of("main");
  assert.deepEqual([plain?.Checksum, plain?.CommitChecksum, plain?.TagObject.byteLength], [commit, "", 0]);
  assert.equal(nameOf("commit", plain?.CommitObject ?? Buffer.alloc(0)), commit);
});

test("checksums of a file, of all kinds, with something behind it", async () => {
  const Suffix = Buffer.from("suffix");
  const Source = { identifier: `${files.address}/data.txt`, attrs: {} };
  const asked = async (Algo: number, suffix: Uint8Array<ArrayBuffer>, attrs: Record<string, string> = {}) =>
    (await meta({ Source: { ...Source, attrs }, HTTP: { ChecksumRequest: { Algo, Suffix: suffix } } })).HTTP;
  for (const [Algo, name] of ["sha256", "sha384", "sha512"].entries()) {
    const told = await asked(Algo, Suffix);
    const expected = createHash(name).update("data\n").update(Suffix).digest("hex");
    assert.deepEqual([told?.Checksum, told?.Filename], [digestOf("data\n"), "data.txt"]);
    assert.equal(told?.ChecksumResponse?.Digest, `${name}:${expected}`);
    assert.deepEqual(Buffer.from(told.ChecksumResponse.Suffix), Suffix);
  }
  await assert.rejects(asked(0, Buffer.alloc(4097)), /http checksum request suffix exceeds max size 4096/);
  await assert.rejects(asked(3, Suffix), /unsupported checksum algorithm 3/);
  const other = { "http.checksum": digestOf("other") };
  await assert.rejects(asked(0, Suffix, other), /digest mismatch/);
  const pinned = await meta({ Source: { identifier: `${files.address}/none/x.txt`, attrs: other } });
  assert.deepEqual([pinned.HTTP?.Checksum, pinned.HTTP?.Filename], [digestOf("other"), "x.txt"]);
});

test("what is said of an image, and who has signed that", async () => {
  const repository = `http://${house.registry.host}/v2/said`;
  const push = async (what: string, mediaType: string, text: string) => {
    const [body, digest] = [Buffer.from(text), digestOf(text)];
    let address = `${repository}/manifests/${what || digest}`;
    if (what === "blob") {
      const { headers } = await fetch(`${repository}/blobs/uploads/`, { method: "POST" });
      const upload = new URL(headers.get("location") ?? "", repository);
      upload.searchParams.set("digest", digest);
      address = upload.href;
    }
    const headers = { "content-type": what === "blob" ? "application/octet-stream" : mediaType };
    const { status } = await fetch(address, { method: "PUT", headers, body });
    assert.equal(status, 201, `${what} ${digest}`);
    return { mediaType, digest, size: body.byteLength };
  };
  const { ociManifest, ociIndex, ociConfig } = mediaTypes;
  const manifest = async (config: object, layers: readonly object[], more: object = {}) => {
    const text = JSON.stringify({ schemaVersion: 2, mediaType: ociManifest, config, layers, ...more });
    return await push("", ociManifest, text);
  };
  const platform = { os: "linux", architecture: "amd64" };
  const config = await push(
    "blob",
    ociConfig,
    JSON.stringify({ ...platform, rootfs: { type: "layers", diff_ids: [] } }),
  );
  const image = await manifest(config, []);
  const statement = async (type: string) => ({
    ...(await push("blob", "application/vnd.in-toto+json", JSON.stringify({ predicateType: type }))),
    annotations: { "in-toto.io/predicate-type": type },
  });
  const [sbom, provenance] = [
    await statement("https://spdx.dev/Document"),
    await statement("https://slsa.dev/provenance/v1"),
  ];
  const attestation = await manifest(config, [sbom, provenance]);
  const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
  const signed = await push("blob", bundleType, "{}");
  const signature = await manifest(config, [signed], { artifactType: bundleType, subject: attestation });
  // Registries without the referrers API have the list under a tag.
  const referrers = { schemaVersion: 2, mediaType: ociIndex, manifests: [{ ...signature, artifactType: bundleType }] };
  await push(attestation.digest.replace(":", "-"), ociIndex, JSON.stringify(referrers));
  const about = {
    "vnd.docker.reference.type": "attestation-manifest",
    "vnd.docker.reference.digest": image.digest,
  };
  const manifests = [
    { ...image, platform },
    { ...attestation, platform: { os: "unknown", architecture: "unknown" }, annotations: about },
  ];
  const index = await push("1", ociIndex, JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests }));
  const asked = async (Image: object, tag = "1") => {
    const Source = { identifier: `docker-image://${house.registry.host}/said:${tag}` };
    return (await meta({ Source, Platform: { OS: "linux", Architecture: "amd64" }, Image })).Image;
  };
  const told = await asked({ NoConfig: true, AttestationChain: true });
  const chain = told?.AttestationChain;
  assert.equal(told?.Digest, index.digest);
  assert.deepEqual(
    [chain?.Root, chain?.ImageManifest, chain?.AttestationManifest, chain?.SignatureManifests],
    [index.digest, image.digest, attestation.digest, [signature.digest]],
  );
  const always = [index, attestation, signature, signed].map(({ digest }) => digest);
  assert.deepEqual(Object.keys(chain?.Blobs ?? {}).sort(), always.toSorted());
  const blob = chain?.Blobs[attestation.digest];
  assert.equal(digestOf(blob?.data ?? Buffer.alloc(0)), attestation.digest);
  assert.deepEqual([blob?.descriptor?.mediaType, { ...blob?.descriptor?.annotations }], [ociManifest, about]);
  assert.equal(chain?.Blobs[index.digest]?.descriptor?.mediaType, ociIndex);
  const more = await asked({ ResolveAttestations: ["https://spdx.dev/Document", ""] });
  assert.ok((more?.Config.byteLength ?? 0) > 0);
  assert.deepEqual(Object.keys(more?.AttestationChain?.Blobs ?? {}).sort(), [...always, sbom.digest].sort());
  assert.equal((await asked({}))?.AttestationChain, undefined);
  await push("alone", ociManifest, JSON.stringify({ schemaVersion: 2, mediaType: ociManifest, config, layers: [] }));
  assert.equal((await asked({ AttestationChain: true }, "alone"))?.AttestationChain, undefined);
});
