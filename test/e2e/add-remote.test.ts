import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { must, serveFiles, startGit } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();
const packed = await house.directory();
await mkdir(join(packed, "dir"));
await writeFile(join(packed, "dir/inner"), "inner\n");
await must("tar", ["-czf", "a.tar.gz", "dir"], { cwd: packed });
const archive = await readFile(join(packed, "a.tar.gz"));
const files = house.own(await serveFiles({ "/path/word": "word\n", "/a.tar.gz": archive }));
const locked = house.own(await serveFiles({ "/word": "locked\n" }, { authorization: "Bearer token-of-a-test" }));
const git = house.own(await startGit());

const added = async (line: string, args: readonly string[] = []) =>
  await house.exported(await house.context({ Dockerfile: `FROM scratch\n${line}\n` }), args);
const refused = async (line: string, args: readonly string[] = []) =>
  (await house.fails(await house.context({ Dockerfile: `FROM scratch\n${line}\n` }), args)).stderr;

suite("ADD of an address", () => {
  test("is a file with the server's time, for root alone unless it says otherwise", async () => {
    const out = await added(`ADD ${files.address}/path/word /into/`);
    assert.equal(await readFile(join(out, "into/word"), "utf8"), "word\n");
    const plain = await stat(join(out, "into/word"));
    assert.deepEqual([plain.mode & 0o7777, plain.mtime.toISOString()], [0o600, "2022-01-01T00:00:00.000Z"]);
    const context = await house.context({
      Dockerfile: `FROM scratch\nADD --chmod=640 --chown=7:8 ${files.address}/path/word /other\n`,
    });
    assert.match((await house.listed(context)).get("other") ?? "", /^-rw-r----- 7\/8 /);
  });

  test("is unpacked only when it is asked for", async () => {
    assert.deepEqual(await readdir(await added(`ADD ${files.address}/a.tar.gz /`)), ["a.tar.gz"]);
    const out = await added(`ADD --unpack=true ${files.address}/a.tar.gz /`);
    assert.equal(await readFile(join(out, "dir/inner"), "utf8"), "inner\n");
  });

  test("must have the digest that is given", async () => {
    const digest = createHash("sha256").update("word\n").digest("hex");
    await added(`ADD --checksum=sha256:${digest} ${files.address}/path/word /`);
    const wrong = `ADD --checksum=sha256:${"0".repeat(64)} ${files.address}/path/word /`;
    assert.match(await refused(wrong), new RegExp(`digest mismatch sha256:${digest}: sha256:0000`));
    assert.match(await refused(`ADD ${files.address}/nothing /`), /invalid response status 404/);
  });

  test("shows the client's login where it has one for the host", async () => {
    const line = `ADD ${locked.address}/word /`;
    const host = new URL(locked.address).host;
    const secret = join(await house.directory(), "token");
    await writeFile(secret, "token-of-a-test\n");
    const out = await added(line, ["--secret", `id=HTTP_AUTH_TOKEN_${host},src=${secret}`]);
    assert.equal(await readFile(join(out, "word"), "utf8"), "locked\n");
    await writeFile(secret, "Bearer token-of-a-test");
    await added(line, ["--no-cache", "--secret", `id=HTTP_AUTH_HEADER_${host},src=${secret}`]);
    assert.match(await refused(line, ["--no-cache"]), /invalid response status 401/);
  });
});

suite("ADD of a repository", () => {
  test("is one commit, with .git where that is wanted", async () => {
    const url = await git.repository("project.git", [
      { word: "first\n" },
      { word: "second\n", "sub/inner": "inner\n" },
    ]);
    const out = await added(`ADD ${url}#v1 /one\nADD --keep-git-dir=true ${url}#main /two\nADD ${url}#main:sub /three`);
    assert.deepEqual(await readdir(join(out, "one")), ["word"]);
    assert.deepEqual((await readdir(join(out, "two"))).toSorted(), [".git", "sub", "word"]);
    assert.deepEqual(await readdir(join(out, "three")), ["inner"]);
    const commit = await git.commit("project.git", "v1");
    await added(`ADD --checksum=${commit} ${url}#v1 /`);
    assert.match(await refused(`ADD --checksum=${"0".repeat(40)} ${url}#v1 /`), /expected checksum to match 0{40}/);
  });
});
