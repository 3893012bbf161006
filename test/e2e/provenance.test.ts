import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { BuildKitClient, connect, dialAddress } from "../../src/client/mod.ts";
import { http, image, marshal } from "../../src/llb/mod.ts";
import { must, serveFiles, serveGitOverHttp, startEngine } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

/* How results were made, as records of builds and images tell it. */

const house = await openHouse();
const { host } = house.registry;
const files = house.own(await serveFiles({ "/word": "hello\n" }));
const owned = await house.directory();
await writeFile(join(owned, "owner.json"), '{"owner":"the lab"}');
const configFile = join(owned, "engine.toml");
await writeFile(configFile, `provenanceEnvDir = ${JSON.stringify(owned)}\n`);
const address = `unix://${join(await house.directory(), "engine.sock")}`;
house.own(await startEngine(["--addr", address, "--config", configFile]));
const client = house.own(new BuildKitClient(connect({ open: dialAddress(address) })));

// biome-ignore lint/suspicious/noExplicitAny: documents of many shapes, each looked at where it is known
type Json = any;

const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const platform = { os: "linux", architecture };
const baseDigest = (
  await must("skopeo", ["inspect", "--tls-verify=false", "--format={{.Digest}}", `docker://${house.base}`])
).trim();
const wordDigest = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
const baseUri = (arch = architecture) =>
  `pkg:docker/${host.replace(":", "%3A")}/busybox@latest?platform=linux%2F${arch}`;
const baseMaterial = (arch = architecture) => ({
  uri: baseUri(arch),
  digest: { sha256: baseDigest.slice("sha256:".length) },
});
const wordMaterial = { uri: `${files.address}/word`, digest: { sha256: wordDigest } };

/** What a metadata file tells, by platform; of a build for one by "". */
async function told(path: string): Promise<ReadonlyMap<string, Json>> {
  const metadata = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  const entries = Object.entries(metadata).filter(([key]) => key.startsWith("buildx.build.provenance"));
  return new Map(entries.map(([key, value]) => [key.slice("buildx.build.provenance".length).replace("/", ""), value]));
}

/** What is said in the record of a build. */
async function recorded(ref: string): Promise<ReadonlyMap<string, Json>> {
  const [record] = await client.history({ ref });
  const results = [["", record?.Result] as const, ...Object.entries(record?.Results ?? {})];
  const said = new Map<string, Json>();
  for (const [id, result] of results) {
    for (const { digest, annotations, mediaType } of result?.Attestations ?? []) {
      assert.equal(mediaType, "application/vnd.in-toto+json");
      assert.deepEqual(annotations, { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" });
      said.set(id, JSON.parse(Buffer.concat(await Array.fromAsync(client.readBlob(digest))).toString()));
    }
  }
  return said;
}

type Solve = Parameters<BuildKitClient["solve"]>[0];

/** A build that our own API is asked for, and what its record says. */
async function solved(request: Omit<Solve, "Ref">): Promise<ReadonlyMap<string, Json>> {
  const ref = randomUUID();
  await client.solve({ Ref: ref, ...request });
  return await recorded(ref);
}

suite("--metadata-file", () => {
  for (const [who, build] of [
    ["polyarch", (args: readonly string[], env = {}) => house.polyarch(["build", ...args], { env })],
    ["docker buildx", (args: readonly string[], env = {}) => house.buildx(["build", ...args], { env })],
  ] as const) {
    test(`${who} tells what went into a build, and what its steps were`, async () => {
      const context = await house.context({
        Dockerfile: `
          FROM ${house.base} AS base
          ARG VERSION
          ADD ${files.address}/word /word
          RUN --mount=type=secret,id=key --mount=type=secret,id=must,required=true true
          RUN --network=none echo "$VERSION" > /version
          FROM base
          COPY here /there
        `,
        here: "x",
        secret: "not to be told",
      });
      const metadata = join(await house.directory(), "metadata.json");
      const secret = join(context, "secret");
      const args = [`--secret=id=key,src=${secret}`, `--secret=id=must,src=${secret}`, "--build-arg=VERSION=3"];
      const done = await build([...args, `--metadata-file=${metadata}`, context], {
        BUILDX_METADATA_PROVENANCE: "max",
      });
      assert.equal(done.code, 0, done.stderr);
      const provenance = (await told(metadata)).get("");
      assert.deepEqual(provenance.materials, [baseMaterial(), wordMaterial]);
      const { configSource, parameters, environment } = provenance.invocation;
      assert.deepEqual(configSource, { entryPoint: "Dockerfile" });
      assert.equal(parameters.frontend, "dockerfile.v0");
      assert.equal(parameters.args["build-arg:VERSION"], "3");
      assert.deepEqual(parameters.secrets, [{ id: "key", optional: true }, { id: "must" }]);
      assert.deepEqual(parameters.locals, [{ name: "context" }, { name: "dockerfile" }]);
      assert.equal(environment.platform, `linux/${architecture}`);
      assert.match(environment.dockerfileVersion, /^1\.\d+\.0$/);
      assert.deepEqual(provenance.metadata.completeness, { parameters: true, environment: true, materials: false });
      const { source, layers } = provenance.metadata["https://mobyproject.org/buildkit@v1#metadata"];
      assert.match(Buffer.from(source.infos[0].data, "base64").toString(), /^FROM .* AS base$/m);
      assert.equal(source.locations.step0.locations[0].ranges[0].start.line, 1);
      assert.equal(layers["step0:0"][0].length, 1);
      const steps = provenance.buildConfig.llbDefinition as Json[];
      assert.equal(steps[0].op.Op.source.identifier, `docker-image://${house.base}@${baseDigest}`);
      assert.deepEqual(steps.at(-1), {
        id: `step${steps.length - 1}`,
        op: { Op: {} },
        inputs: [`step${steps.length - 2}:0`],
      });
      assert.doesNotMatch(JSON.stringify(provenance), /not to be told|local\.session/);
    });
  }

  test("tells of each platform what went into it", async () => {
    const context = await house.context({ Dockerfile: `FROM ${house.base}\nCOPY here /\n`, here: "x" });
    const metadata = join(await house.directory(), "metadata.json");
    await house.build(context, ["--platform=linux/amd64,linux/arm64", `--metadata-file=${metadata}`]);
    const all = await told(metadata);
    assert.deepEqual([...all.keys()].toSorted(), ["linux/amd64", "linux/arm64"]);
    for (const arch of ["amd64", "arm64"]) assert.deepEqual(all.get(`linux/${arch}`).materials, [baseMaterial(arch)]);
  });

  test("names the commit of a repository", async () => {
    const repositories = await house.directory();
    const git = (...args: string[]) => must("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...args]);
    const work = await house.context({ "sub/Dockerfile": `FROM ${house.base}\nRUN true\n` });
    for (const args of [
      ["init", "-q", "-b", "main"],
      ["add", "."],
      ["commit", "-q", "-m", "first"],
    ])
      await git("-C", work, ...args);
    await git("clone", "-q", "--bare", work, join(repositories, "app.git"));
    const commit = (await git("-C", work, "rev-parse", "HEAD")).trim();
    await using served = await serveGitOverHttp(repositories);
    const url = `${served.address}/app.git`;
    const metadata = join(await house.directory(), "metadata.json");
    await house.build(`${url}#main:sub`, [`--metadata-file=${metadata}`]);
    const { materials, invocation } = (await told(metadata)).get("");
    assert.deepEqual(materials, [baseMaterial(), { uri: `${url}#main`, digest: { sha1: commit } }]);
    const { uri, digest } = invocation.configSource;
    assert.deepEqual([uri, digest], [`${url}#main:sub`, { sha1: commit }]);
    const shown = await house.polyarch(["history", "inspect", "--format={{json .Materials}}"]);
    assert.match(shown.stdout, new RegExp(commit));
  });
});

suite("the record of a build", () => {
  const word = http(`${files.address}/word`, {});
  const base = image(house.base, { platform });
  const copied = base.file([{ type: "copy", from: word, source: "/word", destination: "/word" }]);
  const run = { args: ["/bin/true"], env: [], cwd: "/", platform };

  test("of a plain graph tells what went in and what steps there were, and what the engine's owner adds", async () => {
    const said = (await solved({ Definition: marshal(copied.run({ ...run, network: "none" })) })).get("");
    const { externalParameters, internalParameters, resolvedDependencies } = said.buildDefinition;
    assert.deepEqual(resolvedDependencies, [baseMaterial(), wordMaterial]);
    assert.deepEqual(externalParameters, { configSource: {}, request: { compatibilityVersion: 30 } });
    const { buildConfig, ...rest } = internalParameters;
    assert.deepEqual(rest, { builderPlatform: `linux/${architecture}`, owner: "the lab" });
    assert.equal(buildConfig.llbDefinition.length, 5);
    const { builder, metadata } = said.runDetails;
    assert.deepEqual(builder, { id: "" });
    assert.equal(metadata.buildkit_hermetic, true);
    assert.deepEqual(metadata.buildkit_completeness, { request: false, resolvedDependencies: true });
    assert.match(metadata.invocationId, /^[0-9a-z]{25}$/);
    assert.ok(Date.parse(metadata.startedOn) <= Date.parse(metadata.finishedOn));
  });

  test("says the same of a build for which nothing had to be done, but for who and when", async () => {
    const Definition = marshal(copied.run({ ...run, args: ["/bin/true", "again"] }));
    const [first, second] = [await solved({ Definition }), await solved({ Definition })].map((said) => said.get(""));
    assert.equal(first.runDetails.metadata.buildkit_hermetic, undefined);
    assert.deepEqual(second.buildDefinition, first.buildDefinition);
    assert.notEqual(second.runDetails.metadata.invocationId, first.runDetails.metadata.invocationId);
  });

  test("is there for a build whose result could not be exported, and says nothing of the empty tree", async () => {
    const ref = randomUUID();
    const Exporters = [{ Type: "image", Attrs: { name: "127.0.0.1:1/nobody", push: "true" } }];
    await assert.rejects(client.solve({ Ref: ref, Definition: marshal(copied), Exporters }));
    assert.deepEqual((await recorded(ref)).get("").buildDefinition.resolvedDependencies, [
      baseMaterial(),
      wordMaterial,
    ]);
    assert.equal((await solved({ Definition: { def: [] } })).size, 0);
  });
});

suite("attest:provenance", () => {
  const graph = marshal(image(house.base, { platform }).file([{ type: "mkdir", path: "/made", mode: 0o755 }]));

  /** The statement on the provenance of an image that is made of a graph. */
  async function statement(name: string, attributes: string): Promise<Json> {
    const Exporters = [{ Type: "image", Attrs: { name: `${host}/${name}:1`, push: "true" } }];
    const FrontendAttrs = { "attest:provenance": attributes };
    await client.solve({ Ref: randomUUID(), Definition: graph, FrontendAttrs, Exporters });
    const raw = async (reference: string) =>
      JSON.parse(
        await must("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/${name}${reference}`]),
      );
    const index = await raw(":1");
    const { layers } = await raw(`@${index.manifests[1].digest}`);
    assert.equal(layers.length, 1);
    return await (await fetch(`http://${host}/v2/${name}/blobs/${layers[0].digest}`)).json();
  }

  test("puts the whole of it into the image, in the form of SLSA 1", async () => {
    const { predicateType, predicate } = await statement(
      "whole",
      "mode=max,builder-id=https://example.org/lab,reproducible=true",
    );
    assert.equal(predicateType, "https://slsa.dev/provenance/v1");
    assert.deepEqual(predicate.buildDefinition.resolvedDependencies, [baseMaterial()]);
    assert.equal(predicate.buildDefinition.internalParameters.buildConfig.llbDefinition.length, 3);
    assert.deepEqual(predicate.runDetails.builder, { id: "https://example.org/lab" });
    assert.equal(predicate.runDetails.metadata.buildkit_reproducible, true);
    const { layers } = predicate.runDetails.metadata.buildkit_metadata;
    assert.deepEqual([layers["step0:0"][0].length, layers["step1:0"][0].length], [1, 2]);
  });

  test("or little of it, in the form of SLSA 0.2", async () => {
    const { predicateType, predicate } = await statement("little", "mode=min,version=v0.2");
    assert.equal(predicateType, "https://slsa.dev/provenance/v0.2");
    assert.deepEqual(predicate.materials, [baseMaterial()]);
    assert.equal(predicate.buildConfig, undefined);
    assert.deepEqual(predicate.metadata["https://mobyproject.org/buildkit@v1#metadata"], {});
    assert.equal(predicate.metadata["https://mobyproject.org/buildkit@v1#hermetic"], true);
  });

  test("is refused before anything runs where it makes no sense", async () => {
    for (const [attributes, message] of [
      [{ "attest:provenance": "mode=big" }, /invalid mode "big"/],
      [{ "attest:provenance": "version=v9" }, /invalid provenance SLSA version: v9/],
      [{ "build-arg:BUILDKIT_ATTEST_PROVENANCE": "reproducible=x" }, /failed to parse reproducible flag "x"/],
      [{ "attest:color": "" }, /unknown attestation type "color"/],
    ] as const) {
      const request = { Ref: randomUUID(), Definition: graph, FrontendAttrs: { ...attributes } };
      await assert.rejects(client.solve(request), { message });
    }
  });

  test("may want all materials named, which the client's directories cannot be", async () => {
    const here = await house.context({ Dockerfile: `FROM ${house.base}\nRUN true\n` });
    const args = ["--build-arg=BUILDKIT_ATTEST_PROVENANCE=complete-materials=true", "--output=type=cacheonly"];
    const done = await house.fails(here, args);
    assert.match(
      done.stderr,
      /provenance materials are incomplete[^]*Uncaptured local sources:\n {2}- context\n {4}reason: local_source\n/,
    );
    const FrontendAttrs = { "attest:provenance": "complete-materials=true" };
    assert.equal((await solved({ Definition: graph, FrontendAttrs })).size, 1);
  });
});
