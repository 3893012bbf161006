import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { gateway } from "../../src/api/mod.ts";
import { BuildError } from "../../src/base/errors/mod.ts";
import type { MessageInitShape } from "../../src/base/protobuf/mod.ts";
import { BuildKitClient, connect, dialAddress } from "../../src/client/mod.ts";
import { scratch, type State } from "../../src/llb/mod.ts";
import { fileSend, type SendTarget } from "../../src/session/mod.ts";
import { must, startEngine, startPickyRegistry } from "../lab/mod.ts";
import { addGraph, type Bridge, leading } from "./gateway-client.ts";
import { listTar, openHouse } from "./harness.ts";

/* What is said of results by whoever leads their build: how it comes into images, archives and directories, and out of them again. */

const house = await openHouse();
const { host } = house.registry;
const address = `unix://${join(await house.directory(), "engine.sock")}`;
house.own(await startEngine(["--addr", address]));
const client = house.own(new BuildKitClient(connect({ open: dialAddress(address) })));

type Said = MessageInitShape<typeof gateway.AttestationSchema>;
const { InToto, Bundle } = gateway.AttestationKind;
const { Self, Raw } = gateway.InTotoSubjectKind;
const saidType = "https://example.com/said/v1";
const spdxType = "https://spdx.dev/Document";
const platform = { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" };
const id = `${platform.os}/${platform.architecture}`;
const both = ["linux/amd64", "linux/arm64"] as const;

const file = (path: string, text: string, on: State = scratch) =>
  on.file([{ type: "mkfile", path, mode: 0o644, data: Buffer.from(text) }]);
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** One predicate that is said. */
const predicate =
  (json: string, more: Said = {}) =>
  async (bridge: Bridge): Promise<Said> => {
    const ref = { id: await addGraph(bridge, file("/said.json", json)) };
    return { kind: InToto, ref, path: "/said.json", inTotoPredicateType: saidType, ...more };
  };
/** A directory of whole statements. */
const bundle =
  (files: Readonly<Record<string, string>>, more: Said = {}) =>
  async (bridge: Bridge): Promise<Said> => {
    const tree = Object.entries(files).reduce((tree, [path, text]) => file(path, text, tree), scratch);
    return { kind: Bundle, ref: { id: await addGraph(bridge, tree) }, ...more };
  };
const statement = (predicateType: string, predicate: unknown) =>
  JSON.stringify({ _type: "https://in-toto.io/Statement/v0.1", predicateType, subject: [], predicate });
const something = predicate('{ "b": "<1>", "a": [] }');
const inlineOnly = predicate("{}", { metadata: { "inline-only": bytes("true") } });

interface Exporter {
  readonly Type: string;
  readonly Attrs: Record<string, string>;
  /** Where it goes, if to the client. */
  readonly target?: SendTarget;
}
const pushed = (name: string, attrs: Record<string, string> = {}): Exporter => ({
  Type: "image",
  Attrs: { name, push: "true", ...attrs },
});

/** Builds one file, of which things are said, and exports it. */
async function build(
  { target, ...exporter }: Exporter,
  say: readonly ((bridge: Bridge) => Promise<Said>)[],
  platforms: readonly string[] = [],
) {
  await using session = await client.openSession({ attachables: [fileSend(target ? [target] : [])] });
  const lead = async (bridge: Bridge, outcome: Promise<unknown>) => {
    const ref = { id: await addGraph(bridge, file("/a", "a\n")) };
    const attestation = await Promise.all(say.map(async (one) => await one(bridge)));
    const several = platforms.length > 0;
    const ids = several ? platforms : [id];
    const list = ids.map((ID) => ({ ID, Platform: { os: "linux", architecture: ID.split("/")[1] } }));
    await bridge.return({
      result: {
        result: several
          ? { case: "refs", value: { refs: Object.fromEntries(ids.map((key) => [key, ref])) } }
          : { case: "ref", value: ref },
        metadata: several ? { "refs.platforms": bytes(JSON.stringify({ Platforms: list })) } : {},
        attestations: Object.fromEntries(ids.map((key) => [key, { attestation }])),
      },
    });
    await outcome.catch(() => undefined);
  };
  const { outcome, status } = await leading(client, lead, { Exporters: [exporter], Session: session.id });
  const { ExporterResponse: response } = await outcome;
  return {
    response,
    warnings: status.flatMap(({ warnings }) => warnings.map(({ short }) => Buffer.from(short).toString())),
  };
}
const fails = async (work: Promise<unknown>, message: RegExp) =>
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof BuildError, String(error));
    assert.match(error.message, message);
    return true;
  });
/** Builds into files of the client. */
async function exported(
  type: "local" | "tar" | "oci" | "docker",
  say: Parameters<typeof build>[1],
  more: {
    readonly attrs?: Record<string, string>;
    readonly platforms?: readonly string[];
    readonly path?: string;
  } = {},
): Promise<string> {
  const path = more.path ?? join(await house.directory(), "out");
  const chunks: Uint8Array[] = [];
  const sink = {
    write: async (bytes: Uint8Array) => void chunks.push(Uint8Array.from(bytes)),
    close: () => writeFile(path, Buffer.concat(chunks)),
    abort: () => Promise.resolve(),
  };
  const target: SendTarget =
    type === "local" ? { type: "directory", path, mode: "copy" } : { type: "file", open: () => Promise.resolve(sink) };
  await build({ Type: type, Attrs: more.attrs ?? {}, target }, say, more.platforms);
  return path;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}
interface RawDocument {
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}
const raw = async (image: string) =>
  JSON.parse(
    await must("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/${image}`]),
  ) as RawDocument;
const blob = async (repository: string, { digest = "" }: Partial<Descriptor> = {}) =>
  await (await fetch(`http://${host}/v2/${repository}/blobs/${digest}`)).text();
const isSaid = ({ platform }: Descriptor) => platform?.os === "unknown";
/** The first manifest of statements of an image. */
async function saidOf(repository: string, tag: string): Promise<RawDocument> {
  const { manifests } = await raw(`${repository}:${tag}`);
  return await raw(`${repository}@${manifests.find(isSaid)?.digest}`);
}

suite("an image of which something is said", () => {
  test("is an index: the image, and a manifest about it of statements", async () => {
    const name = `${host}/said`;
    const about = predicate("[]", {
      inTotoSubjects: [
        { kind: Self, name: "me" },
        { kind: Raw, digest: ["sha256:1"] },
      ],
    });
    const { response } = await build(pushed(`${name}:1,${name}:2`), [something, about]);
    assert.equal(response["containerimage.config.digest"], undefined);
    const { manifests } = await raw("said:1");
    const [image, attestation] = manifests as [Descriptor, Descriptor];
    const { mediaType, digest, size } = image;
    assert.deepEqual(manifests, [
      { mediaType, digest, size, platform },
      {
        mediaType,
        digest: attestation.digest,
        size: attestation.size,
        platform: { os: "unknown", architecture: "unknown" },
        annotations: { "vnd.docker.reference.digest": digest, "vnd.docker.reference.type": "attestation-manifest" },
      },
    ]);
    const manifest = await saidOf("said", "1");
    const empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert.deepEqual(manifest, {
      schemaVersion: 2,
      mediaType,
      artifactType: "application/vnd.docker.attestation.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.empty.v1+json", digest: empty, size: 2, data: "e30=" },
      layers: manifest.layers.map(({ digest, size }) => ({
        mediaType: "application/vnd.in-toto+json",
        digest,
        size,
        annotations: { "in-toto.io/predicate-type": saidType },
      })),
      subject: { mediaType, digest, size },
    });
    const [first, second] = manifest.layers;
    const subject = (name: string, hex = digest.slice(7)) => `{"name":"${name}","digest":{"sha256":"${hex}"}}`;
    const purl = (tag: number) => `pkg:docker/${name.replace(":", "%3A")}@${tag}?platform=${encodeURIComponent(id)}`;
    const head = `{"_type":"https://in-toto.io/Statement/v1","predicateType":"${saidType}","subject":`;
    assert.equal(
      await blob("said", first),
      `${head}[${subject(purl(1))},${subject(purl(2))}],"predicate":{"b":"\\u003c1\\u003e","a":[]}}`,
    );
    assert.equal(
      await blob("said", second),
      `${head}[${subject(purl(1))},${subject("me")},${subject(purl(2))},${subject("me")},${subject("_", "1")}],"predicate":[]}`,
    );
  });

  test("says it as an image of no platform where artifacts are not wished for", async () => {
    await build(pushed(`${host}/old:1`, { "oci-artifact": "false" }), [something]);
    const { config, layers, ...rest } = await saidOf("old", "1");
    assert.deepEqual(rest, { schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json" });
    assert.equal(config.mediaType, "application/vnd.oci.image.config.v1+json");
    assert.deepEqual(JSON.parse(await blob("old", config)), {
      architecture: "unknown",
      os: "unknown",
      config: {},
      rootfs: { type: "layers", diff_ids: [layers[0]?.digest] },
    });
  });

  test("may have several platforms: first their images, then what is said of each", async () => {
    await build(pushed(`${host}/several:1`), [something], both);
    const { manifests } = await raw("several:1");
    assert.deepEqual(manifests.map(isSaid), [false, false, true, true]);
    assert.deepEqual(
      manifests.slice(2).map(({ annotations }) => annotations?.["vnd.docker.reference.digest"]),
      manifests.slice(0, 2).map(({ digest }) => digest),
    );
  });

  test("has the digest that the client is told, by which alone it may be pushed", async () => {
    const { response } = await build(pushed(`${host}/by-digest`, { "push-by-digest": "true" }), [something]);
    assert.equal((await raw(`by-digest@${response["containerimage.digest"]}`)).manifests.length, 2);
    await assert.rejects(raw("by-digest:latest"));
  });

  test("cannot have Docker's formats", async () => {
    const docker = pushed(`${host}/docker:1`, { "oci-mediatypes": "false" });
    await fails(build(docker, [something]), /cannot export attestations with "oci-mediatypes=false"$/);
    await build(docker, []);
    assert.equal((await raw("docker:1")).mediaType, "application/vnd.docker.distribution.manifest.v2+json");
  });

  test("comes alone, with a warning, to a registry that takes nothing else", async (t) => {
    const { response: bare } = await build(pushed(`${host}/bare:1`), []);
    const digest = bare["containerimage.digest"];
    const registry = await startPickyRegistry(host, ({ name }) =>
      name.startsWith("sha256:") && name !== digest ? "unsupported artifact" : undefined,
    );
    t.after(() => registry[Symbol.asyncDispose]());
    const { response, warnings } = await build(pushed(`${registry.host}/picky:1,${host}/picky:2`), [something]);
    assert.equal(response["containerimage.digest"], digest);
    assert.deepEqual(warnings, [
      `registry ${registry.host} does not take attestations: the image was pushed without its attestations (to ask for that: --provenance=false --sbom=false)`,
    ]);
    assert.equal((await raw("picky:1")).config.digest, (await raw("picky:2")).config.digest);
  });
});

suite("a bundle", () => {
  const spdx = {
    spdxVersion: "SPDX-2.3",
    SPDXID: "SPDXRef-DOCUMENT",
    creationInfo: { created: "2020-01-01T00:00:00Z", creators: ["Tool: t"] },
    files: [{ fileName: "/a" }, { fileName: "/a", comment: "mine" }, { fileName: "b" }],
  };
  const sbom = bundle(
    {
      "/other.json": statement("https://example.com/other", { z: 1, a: 2 }),
      "/sbom.spdx.json": statement(spdxType, spdx),
    },
    { metadata: { "sbom-core": bytes("sbom") } },
  );

  test("is taken apart; an SBOM of the image says in which layer each file is", async () => {
    await build(pushed(`${host}/bundle:1`), [sbom]);
    const { layers } = await saidOf("bundle", "1");
    assert.deepEqual(
      layers.map(({ annotations }) => annotations?.["in-toto.io/predicate-type"]),
      [spdxType, "https://example.com/other"],
    );
    const { manifests } = await raw("bundle:1");
    const image = await raw(`bundle@${manifests[0]?.digest}`);
    const { predicate } = JSON.parse(await blob("bundle", layers[0])) as { predicate: typeof spdx };
    assert.deepEqual(predicate.files, [
      { fileName: "/a", comment: `layerID: ${image.layers[0]?.digest}` },
      ...spdx.files.slice(1),
    ]);
    assert.deepEqual(predicate.creationInfo.creators, ["Tool: t", "Tool: polyarch"]);
    assert.match(await blob("bundle", layers[1]), /"predicate":\{"a":2,"z":1\}\}$/);
  });

  test("is what other programs read: docker buildx, our own", async () => {
    const args = ["imagetools", "inspect", `${host}/bundle:1`, "--format", "{{json .SBOM.SPDX}}"];
    const ours = await house.polyarch(args);
    assert.equal(ours.code, 0, ours.stderr);
    const theirs = await house.buildx(args);
    assert.equal(theirs.code, 0, theirs.stderr);
    assert.deepEqual(JSON.parse(ours.stdout), JSON.parse(theirs.stdout));
    assert.equal((JSON.parse(ours.stdout) as typeof spdx).spdxVersion, "SPDX-2.3");
    const create = await house.polyarch(["imagetools", "create", "-t", `${host}/bundle:copy`, `${host}/bundle:1`]);
    assert.equal(create.code, 0, create.stderr);
    assert.deepEqual(await raw("bundle:copy"), await raw("bundle:1"));
  });
});

suite("what is said only inside of images", () => {
  test("is in an image, and in an archive only if that has an index anyway", async () => {
    await build(pushed(`${host}/inline:1`), [inlineOnly]);
    assert.equal((await raw("inline:1")).manifests.length, 2);
    await build(pushed(`${host}/inline:2`, { "attestation-inline": "false" }), [inlineOnly]);
    assert.equal((await raw("inline:2")).manifests, undefined);
    const top = async (path: string) =>
      JSON.parse(await must("skopeo", ["inspect", "--raw", `oci-archive:${path}`])) as RawDocument;
    assert.equal((await top(await exported("oci", [inlineOnly]))).manifests, undefined);
    assert.equal((await top(await exported("oci", [inlineOnly], { platforms: both }))).manifests.length, 4);
    assert.equal((await top(await exported("oci", [inlineOnly, something]))).manifests.length, 2);
    assert.deepEqual(await readdir(await exported("local", [inlineOnly])), ["a"]);
  });
});

suite("an archive for Docker", () => {
  test("holds what is said, and is an image for those who know of nothing else; of one platform it must be", async () => {
    const path = await exported("docker", [something], { attrs: { name: "said:1" } });
    const names = [...(await listTar(path)).keys()];
    assert.ok(names.includes("manifest.json"));
    assert.equal(names.filter((name) => /^blobs\/sha256\/./.test(name)).length, 7);
    assert.match(await must("skopeo", ["inspect", `docker-archive:${path}`]), /"Layers": \[/);
    await fails(
      exported("docker", [something], { platforms: both }),
      /docker exporter does not currently support exporting manifest lists$/,
    );
  });
});

suite("a directory", () => {
  const list = async (path: string) => (await readdir(path, { recursive: true })).sort();

  test("has it in files, about all of its own", async () => {
    const path = await exported("local", [something], {
      attrs: { "source-date-epoch": "1000" },
    });
    assert.deepEqual(await list(path), ["a", "said.json"]);
    const said = join(path, "said.json");
    assert.equal(
      await readFile(said, "utf8"),
      JSON.stringify(
        {
          _type: "https://in-toto.io/Statement/v1",
          predicateType: saidType,
          subject: [{ name: "a", digest: { sha256: sha256("a\n") } }],
          predicate: { b: "<1>", a: [] },
        },
        undefined,
        2,
      ).replace("<1>", "\\u003c1\\u003e"),
    );
    const { mode, mtimeMs } = await stat(said);
    assert.deepEqual([mode & 0o777, mtimeMs], [0o600, 1_000_000]);
  });

  test("has one for each platform, or has them all side by side; other files of their names give way", async () => {
    assert.deepEqual(await list(await exported("local", [something], { platforms: both })), [
      "linux_amd64",
      "linux_amd64/a",
      "linux_amd64/said.json",
      "linux_arm64",
      "linux_arm64/a",
      "linux_arm64/said.json",
    ]);
    const beside = exported("local", [something], { platforms: both, attrs: { "platform-split": "false" } });
    await fails(beside, /cannot overwrite a from linux\/amd64 with linux\/arm64 when split option is disabled$/);
    const path = join(await house.directory(), "out");
    await mkdir(path);
    await exported("local", [bundle({ "/a": statement(saidType, {}) })], {
      path,
      platforms: both,
      attrs: { "platform-split": "true", "attestation-prefix": "" },
    });
    assert.match(await readFile(join(path, "linux_arm64", "a"), "utf8"), /"predicateType"/);
  });

  test("and an archive may have them under other names, each once", async () => {
    const attrs = { "attestation-prefix": "x-" };
    const tar = await listTar(await exported("tar", [something], { attrs }));
    assert.deepEqual([...tar.keys()], ["a", "x-said.json"]);
    assert.match(tar.get("x-said.json") ?? "", /^-rw------- 0\/0 /);
    await fails(exported("tar", [something, something]), /duplicate attestation path name said\.json$/);
    const nowhere = { Type: "tar", Attrs: { "attestation-prefix": "x/" } };
    await fails(client.solve({ Ref: randomUUID(), Exporters: [nowhere] }), /^invalid attestation-prefix "x\/"/);
  });
});

test("what makes no sense is refused", async () => {
  const image = { Type: "image", Attrs: {} };
  const provenance = "https://slsa.dev/provenance/v1";
  for (const [say, message] of [
    [predicate("{", {}), /failed to marshal attestation: \/said\.json: /],
    [predicate("{}", { path: "" }), /^attestation does not have set path$/],
    [predicate("{}", { path: "/" }), /cannot read in-toto attestation: \/ is not a regular file$/],
    [predicate("{}", { path: "/x" }), /cannot read in-toto attestation: open \/x: no such file or directory$/],
    [predicate("{}", { inTotoPredicateType: provenance }), /^frontend may not set provenance attestations$/],
    [bundle({ "/a": statement(provenance, {}) }), /^frontend may not bundle provenance attestations$/],
    [bundle({ "/a": statement("a", {}) }, { inTotoPredicateType: "b" }), /^bundle entry a does not match .* type b$/],
    [bundle({ "/a": "{}{}" }), /in-toto statement is not a single JSON object$/],
    [predicate("{}", { ref: { id: "nowhere" } }), /return reference nowhere not found$/],
    [predicate("{}", { ref: { id: "" } }), /^attestation does not have available content$/],
  ] as const) {
    await fails(build(image, [say]), message);
  }
});

suite("who asks for what", () => {
  const scratchOf = async () => await house.context({ Dockerfile: "FROM scratch\nCOPY word /\n", word: "hi\n" });
  const digest = async (image: string) =>
    sha256(await must("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${image}`]));

  test("our own client has our own engine say nothing that was not asked for: the same sources, the same digest", async () => {
    const tags = ["quiet:1", "quiet:2"].map((tag) => `${host}/${tag}`);
    for (const tag of tags) await house.build(await scratchOf(), ["-t", tag, "--push"]);
    assert.equal((await raw("quiet:1")).manifests, undefined);
    assert.equal(await digest(tags[0] ?? ""), await digest(tags[1] ?? ""));
    const asked = `${host}/quiet:asked`;
    await house.build(await scratchOf(), ["-t", asked, "--push", "--provenance=mode=min", "--sbom=true"]);
    const { layers } = await saidOf("quiet", "asked");
    const types = new Set(layers.map(({ annotations }) => annotations?.["in-toto.io/predicate-type"]));
    assert.deepEqual(types, new Set(["https://slsa.dev/provenance/v1", spdxType]));
  });

  test("docker buildx always asks for a little provenance, unless it is told not to, and gets it", async () => {
    const env = { BUILDX_NO_DEFAULT_ATTESTATIONS: "0" };
    const image = `${host}/buildx:1`;
    const done = await house.buildx(["build", "-t", image, "--push", await scratchOf()], { env });
    assert.equal(done.code, 0, done.stderr);
    const { layers } = await saidOf("buildx", "1");
    assert.equal(layers.length, 1);
    const file = join(await house.directory(), "plain.tar");
    const archive = await house.buildx(["build", "-o", `type=oci,dest=${file}`, await scratchOf()], { env });
    assert.equal(archive.code, 0, archive.stderr);
    const top = await must("skopeo", ["inspect", "--raw", `oci-archive:${file}`]);
    assert.equal((JSON.parse(top) as Partial<RawDocument>).manifests, undefined);
  });

  test("several nodes each say something of their own part, and the merged image keeps it", async () => {
    const polyarch = async (args: readonly string[]) => {
      const done = await house.polyarch(args);
      assert.equal(done.code, 0, done.stderr);
    };
    const create = ["create", "--name=pair", "--driver=remote"];
    await polyarch([...create, "--platform", both[0], address]);
    await polyarch([...create, "--append", "--platform", both[1], `unix://${house.socket}`]);
    const image = ["--provenance=mode=max", "-t", `${host}/pair:1`, "--push", await scratchOf()];
    await polyarch(["build", "--builder=pair", "--progress=plain", "--platform", both.join(), ...image]);
    const { manifests } = await raw("pair:1");
    assert.deepEqual(manifests.map(isSaid), [false, false, true, true]);
    assert.deepEqual(
      manifests.slice(2).map(({ annotations }) => annotations?.["vnd.docker.reference.digest"]),
      manifests.slice(0, 2).map(({ digest }) => digest),
    );
  });
});
