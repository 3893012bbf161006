import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import {
  emulateOnHost,
  type ManifestPut,
  must,
  type PickyRegistry,
  readIndex,
  startDocker,
  startPickyRegistry,
} from "../lab/mod.ts";
import { openHouse, readMetadata } from "./harness.ts";

/* What registries do not take, and how an image gets there all the same. The walk-through 07 shows what people type. */

const house = await openHouse();
const { host } = house.registry;
const platforms = ["linux/amd64", "linux/arm64"] as const;
const context = await house.context({
  Dockerfile: `FROM ${house.base}\nCOPY word /\nCMD ["uname", "-m"]\n`,
  word: "hi\n",
});
const dockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json";
const dockerManifest = "application/vnd.docker.distribution.manifest.v2+json";

async function picky(t: TestContext, refuses: (put: ManifestPut) => string | undefined): Promise<PickyRegistry> {
  const registry = await startPickyRegistry(host, refuses);
  t.after(() => registry[Symbol.asyncDispose]());
  return registry;
}
const isOci = ({ mediaType }: { readonly mediaType: string }) => mediaType.startsWith("application/vnd.oci.");
const isIndex = ({ mediaType }: ManifestPut) => mediaType === "application/vnd.oci.image.index.v1+json";
const raw = (image: string) => must("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/${image}`]);
const sha256 = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const warnings = (stderr: string) => stderr.match(/^(?: - |WARNING: )registry \S+ does not take .*$/gm) ?? [];
async function polyarch(args: readonly string[]) {
  const done = await house.polyarch(args);
  assert.equal(done.code, 0, done.stderr);
  return done;
}
/** Every platform's image runs, by what the registry has now under that name. */
async function runs(image: string): Promise<void> {
  for (const [platform, machine] of [
    [platforms[0], "x86_64"],
    [platforms[1], "aarch64"],
  ] as const) {
    assert.equal((await polyarch(["run", "--platform", platform, `${host}/${image}`])).stdout.trim(), machine);
  }
}
async function expectDockers(image: string, digest: unknown): Promise<void> {
  const text = await raw(image);
  assert.equal(JSON.parse(text).mediaType, dockerIndex);
  assert.equal(sha256(text), digest);
  const children = await readIndex(`${host}/${image}`);
  assert.deepEqual(
    children.map(({ mediaType, platform: { os, architecture } }) => [mediaType, `${os}/${architecture}`]),
    platforms.map((platform) => [dockerManifest, platform]),
  );
  await runs(image);
}

suite("a build that is pushed to a registry", () => {
  const pushed = ["--platform", platforms.join(), "--push"];

  test("that takes OCI's manifests but not its indexes: Docker's formats, the digest that is told", async (t) => {
    const registry = await picky(t, (put) => (isIndex(put) ? "unknown media type" : undefined));
    const metadata = join(await house.directory(), "metadata.json");
    const tags = ["-t", `${registry.host}/no-index:1`, "-t", `${host}/no-index:2`];
    const { stderr } = await house.build(context, [...pushed, ...tags, "--metadata-file", metadata]);
    assert.equal(warnings(stderr).length, 1, stderr);
    const digest = (await readMetadata(metadata))["containerimage.digest"];
    await expectDockers("no-index:1", digest);
    assert.equal(sha256(await raw("no-index:2")), digest, "all of its names are of the same image");
  });

  test("with a format that was asked for: the registry's words, and the remedy", async (t) => {
    const registry = await picky(t, (put) => (isOci(put) ? "manifest invalid" : undefined));
    const output = `type=image,name=${registry.host}/chosen:1,push=true,oci-mediatypes=true`;
    const { stderr } = await house.fails(context, ["--platform", platforms.join(), "-o", output]);
    assert.match(stderr, /ERROR: .*failed to push .*400 Bad Request: manifest invalid.*oci-mediatypes=false/);
    assert.equal(warnings(stderr).length, 0);
    await assert.rejects(raw("chosen:1"), "nothing is tagged");
  });

  test("that refuses the tag, not the format: no second try", async (t) => {
    const registry = await picky(t, ({ name }) => (name === "1" ? "tag 1 is immutable" : undefined));
    const { stderr } = await house.fails(context, [...pushed, "-t", `${registry.host}/fixed:1`]);
    assert.match(stderr, /ERROR: .*tag 1 is immutable/);
    assert.deepEqual(
      registry.refused.map(({ mediaType }) => mediaType).filter((type) => !isOci({ mediaType: type })),
      [],
    );
  });
});

suite("an image with attestations that docker buildx has made", () => {
  test("is copied to registries in the form that each takes, with one warning", async (t) => {
    await using undo = new AsyncDisposableStack();
    undo.use(await emulateOnHost());
    const docker = undo.use(await startDocker("sid"));
    const args = ["--platform", platforms.join(), "--provenance=true", "-t", `${host}/attested:1`, "--push", context];
    const built = await docker.docker(["buildx", "build", ...args]);
    assert.equal(built.code, 0, built.stderr);
    const all = await readIndex(`${host}/attested:1`);
    const attestations = all.filter(({ platform }) => platform.os === "unknown").map(({ digest }) => digest);
    assert.equal(attestations.length, platforms.length);

    const bare = await picky(t, ({ name }) => (attestations.includes(name) ? "unsupported artifact" : undefined));
    const metadata = join(await house.directory(), "metadata.json");
    const create = ["imagetools", "create", "--progress=plain", "--metadata-file", metadata];
    const first = await polyarch([...create, "-t", `${bare.host}/copied/bare:1`, `${host}/attested:1`]);
    assert.match(
      warnings(first.stderr).join("\n"),
      /^.* does not take attestations: .* without its attestations \(to ask for that: --provenance=false --sbom=false\)$/,
    );
    const kept = await readIndex(`${host}/copied/bare:1`);
    assert.deepEqual(
      kept.map(({ digest }) => digest),
      all.map(({ digest }) => digest).filter((digest) => !attestations.includes(digest)),
    );
    await runs("copied/bare:1");

    const old = await picky(t, (put) => (isOci(put) ? "manifest invalid" : undefined));
    const second = await polyarch([...create, "-t", `${old.host}/copied/old:1`, `${host}/attested:1`]);
    assert.match(
      warnings(second.stderr).join("\n"),
      /^.* in Docker's older format, without its attestations( and annotations)? \(to ask for that: --provenance=false --sbom=false -o \S+\)$/,
    );
    const told = (await readMetadata(metadata))["containerimage.descriptor"] as { digest: string; mediaType: string };
    assert.equal(told.mediaType, dockerIndex);
    await expectDockers("copied/old:1", told.digest);

    const refused = await house.polyarch([
      ...create,
      "--annotation=index:a=b",
      "-t",
      `${old.host}/copied/annotated:1`,
      `${host}/attested:1`,
    ]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /ERROR: .*manifest invalid/);
    await assert.rejects(raw("copied/annotated:1"), "nothing is tagged");
  });
});

test("a manifest list that a registry does not take is pushed as Docker's, with a warning", async (t) => {
  const registry = await picky(t, (put) => (isOci(put) ? "manifest invalid" : undefined));
  for (const platform of platforms) {
    await house.build(context, ["--platform", platform, "-t", `${host}/list:${platform.split("/")[1]}`, "--push"]);
  }
  const list = `${registry.host}/list:1`;
  await polyarch(["manifest", "create", list, ...["amd64", "arm64"].map((tag) => `${registry.host}/list:${tag}`)]);
  const { stdout, stderr } = await polyarch(["manifest", "push", "--purge", list]);
  assert.equal(warnings(stderr).length, 1, stderr);
  await expectDockers("list:1", stdout.trim().split("\n").at(-1));
});
