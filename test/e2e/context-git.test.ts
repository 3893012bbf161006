import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { startGit } from "../lab/mod.ts";
import { openHouse, differs } from "./harness.ts";

const house = await openHouse();
const git = house.own(await startGit());

const dockerfile = "FROM scratch\nCOPY . /\n";
const repository = await git.repository("project.git", [
  { Dockerfile: dockerfile, word: "first\n", "sub/Dockerfile": "FROM scratch\nCOPY inner /\n", "sub/inner": "inner\n" },
  { word: "second\n", "other.Dockerfile": "FROM scratch\nCOPY word /other\n" },
]);

const word = async (context: string, ...args: string[]) =>
  await readFile(join(await house.exported(context, args), "word"), "utf8");

suite("a context in a Git repository", () => {
  test("is the default branch, without .git", async () => {
    const out = await house.exported(repository);
    assert.deepEqual((await readdir(out)).toSorted(), ["Dockerfile", "other.Dockerfile", "sub", "word"]);
    assert.equal(await readFile(join(out, "word"), "utf8"), "second\n");
  });

  test("is the branch, tag or commit that is named", async () => {
    assert.equal(await word(`${repository}#main`), "second\n");
    assert.equal(await word(`${repository}#v1`), "first\n");
    assert.equal(await word(`${repository}#refs/tags/v1`), "first\n");
    assert.equal(await word(`${repository}#${await git.commit("project.git", "v1")}`), "first\n");
  });

  test("is a directory of it, where one is named", async () => {
    assert.deepEqual(await readdir(await house.exported(`${repository}#v1:sub`)), ["inner"]);
  });

  test("is what a query says", async () => {
    assert.equal(await word(`${repository}?tag=v1`), "first\n");
    assert.deepEqual(await readdir(await house.exported(`${repository}?branch=main&subdir=sub`)), ["inner"]);
    const commit = await git.commit("project.git", "main");
    assert.equal(await word(`${repository}?branch=main&checksum=${commit}`), "second\n");
  });

  test("is only what its checksum says", { skip: differs("not compared by the BuildKit of Docker 28.5") }, async () => {
    const commit = await git.commit("project.git", "main");
    const { stderr } = await house.fails(`${repository}?tag=v1&checksum=${commit}`);
    assert.match(stderr, /expected checksum to match/);
  });

  test("has the Dockerfile that --file names, or takes one from stdin", async () => {
    assert.deepEqual(await readdir(await house.exported(repository, ["--file=other.Dockerfile"])), ["other"]);
    const out = await house.directory();
    await house.build(repository, ["--file=-", "--output", out], { stdin: "FROM scratch\nCOPY word /own\n" });
    assert.deepEqual(await readdir(out), ["own"]);
  });

  test("keeps .git when that is asked for", async () => {
    const out = await house.exported(repository, ["--build-arg=BUILDKIT_CONTEXT_KEEP_GIT_DIR=1"]);
    assert.ok((await readdir(out)).includes(".git"));
  });

  test("that is not there is said to be missing", async () => {
    assert.match((await house.fails(`${repository}#nowhere`)).stderr, /repository does not contain ref nowhere/);
    assert.match((await house.fails(`${repository}#main:nowhere`)).stderr, /subdir not found|nowhere/);
    assert.match((await house.fails(`${git.address}/none.git`)).stderr, /ERROR: failed to build/);
  });
});

test("a repository under a name is taken from like a stage", async () => {
  const context = await house.context({ Dockerfile: "FROM scratch\nCOPY --from=src word /\n" });
  assert.equal(await word(context, `--build-context=src=${repository}#v1`), "first\n");
});

test("ADD checks a repository out", async () => {
  const context = await house.context({ Dockerfile: `FROM scratch\nADD ${repository}#v1 /src\n` });
  assert.deepEqual((await readdir(join(await house.exported(context), "src"))).toSorted(), [
    "Dockerfile",
    "sub",
    "word",
  ]);
});
