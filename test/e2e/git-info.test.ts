import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { must } from "../lab/mod.ts";
import { imageConfig, openHouse } from "./harness.ts";

const house = await openHouse();
const directory = await house.directory();
const git = (...args: string[]) =>
  must("git", ["-C", directory, "-c", "user.name=Lab", "-c", "user.email=lab@example.org", ...args]);
await git("init", "--quiet", "--initial-branch=main");
await mkdir(join(directory, "app"));
await writeFile(join(directory, "app/Dockerfile"), "FROM scratch\nCOPY word /\n");
await writeFile(join(directory, "app/word"), "hello\n");
await git("add", "--all");
await git("commit", "--quiet", "--message", "first");
await git("remote", "add", "origin", "https://user:secret@example.org/team/app.git");
const commit = (await git("rev-parse", "HEAD")).trim();
const context = join(directory, "app");
const wish = { BUILDX_GIT_LABELS: "1", BUILDX_NO_DEFAULT_ATTESTATIONS: "1" };

async function labelsOf(image: string): Promise<Readonly<Record<string, string>>> {
  const { config } = await imageConfig(`docker://${image}`);
  return (config["Labels"] ?? {}) as Record<string, string>;
}

test("an image is labelled with the repository that it is made from, as docker buildx labels it", async () => {
  const ours = `${house.registry.host}/ours:1`;
  await house.build(context, ["--push", "-t", ours], { env: wish });
  const labels = await labelsOf(ours);
  assert.equal(labels["org.opencontainers.image.revision"], commit);
  assert.equal(labels["com.docker.image.source.entrypoint"], "app/Dockerfile");
  assert.match(labels["org.opencontainers.image.source"] ?? "", /example\.org\/team\/app\.git$/);
  assert.doesNotMatch(JSON.stringify(labels), /secret/);
  const theirs = `${house.registry.host}/theirs:1`;
  const done = await house.buildx(["build", "--push", "-t", theirs, context], { env: wish });
  assert.equal(done.code, 0, done.stderr);
  assert.deepEqual(labels, await labelsOf(theirs));
});

test("what is not all committed is marked when that is wished for, and nothing is said where nothing is wished", async () => {
  await writeFile(join(context, "word"), "changed\n");
  const dirty = `${house.registry.host}/dirty:1`;
  await house.build(context, ["--push", "-t", dirty], { env: { ...wish, BUILDX_GIT_CHECK_DIRTY: "1" } });
  assert.equal((await labelsOf(dirty))["org.opencontainers.image.revision"], `${commit}-dirty`);
  const plain = `${house.registry.host}/plain:1`;
  await house.build(context, ["--push", "-t", plain]);
  assert.deepEqual(await labelsOf(plain), {});
});

test("the record of the build names repository and revision, unless that is not wished", async () => {
  const inspect = async () => (await house.polyarch(["history", "inspect", "--format=json"])).stdout;
  await house.build(context);
  const told = JSON.parse(await inspect()) as Record<string, unknown>;
  assert.match(String(told["VCSRepository"]), /example\.org\/team\/app\.git$/);
  assert.equal(told["VCSRevision"], commit);
  await house.build(context, [], { env: { BUILDX_GIT_INFO: "0" } });
  assert.ok(!(JSON.parse(await inspect()) as Record<string, unknown>)["VCSRevision"]);
});

test("a repository that cannot be read is a warning, and the build goes on", async () => {
  const broken = await house.context({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n", ".git/HEAD": "nonsense\n" });
  const { stderr } = await house.build(broken);
  assert.match(stderr, /^WARNING: current commit information was not captured by the build: /m);
});
