import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type LabFiles, must, openPolyarch, serveFiles, startGit } from "../lab/mod.ts";
import { openHouse, differs } from "./harness.ts";

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

  test("shows the client's login where it has one for the host", {
    skip: differs("newer than the BuildKit of Docker 28.5"),
  }, async () => {
    const line = `ADD ${locked.address}/word /`;
    const host = new URL(locked.address).hostname;
    const secret = join(await house.directory(), "token");
    await writeFile(secret, "token-of-a-test\n");
    const out = await added(line, ["--secret", `id=HTTP_AUTH_TOKEN_${host},src=${secret}`]);
    assert.equal(await readFile(join(out, "word"), "utf8"), "locked\n");
    await writeFile(secret, "Bearer token-of-a-test");
    await added(line, ["--no-cache", "--secret", `id=HTTP_AUTH_HEADER_${host},src=${secret}`]);
    assert.match(await refused(line, ["--no-cache"]), /invalid response status 401/);
  });
});

suite("ADD of an address a second time", () => {
  /** Builds, and says what the server was asked meanwhile, and whether the result was there already. */
  const asked = async (server: LabFiles, dockerfile: string, args: readonly string[] = []) => {
    server.requests.length = 0;
    const dest = await house.directory();
    const context = await house.context({ Dockerfile: `FROM scratch\n${dockerfile}\n` });
    const { stderr } = await house.build(context, [...args, "--output", `type=local,dest=${dest}`]);
    const word = await readFile(join(dest, "word"), "utf8");
    return { word, requests: [...server.requests], cached: / CACHED$/m.test(stderr) };
  };

  test("only asks whether it has changed, whatever happened to the engine meanwhile", async () => {
    const served = { "/word": "one\n" };
    await using server = await serveFiles(served, { etags: "honest" });
    const line = `ADD ${server.address}/word /`;
    const unchanged = { requests: ["HEAD /word 304"], cached: true };
    assert.deepEqual(await asked(server, line), { word: "one\n", requests: ["GET /word 200"], cached: false });
    assert.deepEqual(await asked(server, line), { word: "one\n", ...unchanged });
    await house.kill();
    assert.deepEqual(await asked(server, line), { word: "one\n", ...unchanged });
    // Another step with the same file: made anew, of what is there.
    const other = await asked(server, `ADD --chmod=644 ${server.address}/word /`);
    assert.deepEqual(other.requests, ["HEAD /word 304"]);
    served["/word"] = "two\n";
    const changed = ["HEAD /word 200", "GET /word 200"];
    assert.deepEqual(await asked(server, line), { word: "two\n", requests: changed, cached: false });
    served["/word"] = "one\n";
    assert.deepEqual(await asked(server, line), { word: "one\n", ...unchanged }, "both states are known");
    const { stdout } = await house.polyarch(["du", "--verbose"]);
    assert.match(stdout, /^Description:\s+http url http:\/\/127\.0\.0\.1:\d+\/word$/m);
  });

  test("fetches it again when what was kept is gone", async () => {
    await using server = await serveFiles({ "/word": "gone\n" }, { etags: "honest" });
    const line = `ADD ${server.address}/word /`;
    await asked(server, line);
    assert.equal((await house.polyarch(["prune", "--all", "--force"])).code, 0);
    assert.deepEqual(await asked(server, line), { word: "gone\n", requests: ["GET /word 200"], cached: false });
  });

  test("believes no answer that makes no sense", {
    skip: differs("the build fails: invalid not-modified ETag"),
  }, async () => {
    for (const [etags, requests] of [
      ["no head", ["HEAD /word 405", "GET /word 304"]],
      ["wrong head", ["HEAD /word 200", "GET /word 304"]],
      ["confused", ["HEAD /word 200", "GET /word 304", "GET /word 200"]],
    ] as const) {
      const word = `${etags}\n`;
      await using server = await serveFiles({ "/word": word }, { etags });
      const line = `ADD ${server.address}/word /`;
      await asked(server, line);
      assert.deepEqual(await asked(server, line), { word, requests, cached: true }, etags);
    }
  });

  test("fetches it where the server has no ETags, and knows it again", async () => {
    await using server = await serveFiles({ "/word": "plain\n" });
    const line = `ADD ${server.address}/word /`;
    await asked(server, line);
    assert.deepEqual(await asked(server, line), { word: "plain\n", requests: ["GET /word 200"], cached: true });
  });

  test("asks nobody for what is pinned by its digest", async () => {
    await using server = await serveFiles({ "/word": "pinned\n" }, { etags: "honest" });
    const digest = createHash("sha256").update("pinned\n").digest("hex");
    const line = `ADD --checksum=sha256:${digest} ${server.address}/word /`;
    assert.deepEqual((await asked(server, line)).requests, ["GET /word 200"]);
    assert.deepEqual(await asked(server, line), { word: "pinned\n", requests: [], cached: true });
  });

  test("shows a login again, and gives what is kept to nobody without one", {
    skip: differs("du tells less"),
  }, async () => {
    const authorization = `Basic ${Buffer.from("somebody:p@ss word").toString("base64")}`;
    await using server = await serveFiles({ "/word": "mine\n" }, { etags: "honest", authorization });
    const line = `ADD ${server.address}/word /`;
    const known = `ADD ${server.address.replace("://", "://somebody:p%40ss%20word@")}/word /`;
    assert.equal((await asked(server, known)).word, "mine\n");
    assert.deepEqual((await asked(server, known)).requests, ["HEAD /word 304"]);
    assert.match(await refused(line), /invalid response status 401/);
    const { stdout } = await house.polyarch(["du", "--verbose"]);
    assert.match(stdout, /http url http:\/\/xxxxx:xxxxx@127/);
    assert.doesNotMatch(stdout, /p%40ss/);
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

test("what is fetched comes through the proxies of the environment", {
  skip: differs("its environment is its own"),
}, async (t) => {
  const dockerfile = "FROM scratch\nADD http://files.invalid/word /\n";
  const proxy = await serveFiles({
    "http://files.invalid/Dockerfile": dockerfile,
    "http://files.invalid/word": "through\n",
  });
  t.after(() => proxy[Symbol.asyncDispose]());
  await using other = await openPolyarch();
  const env = { HTTP_PROXY: proxy.address, NO_PROXY: "127.0.0.1" };
  const out = await house.directory();
  const context = await house.directory();
  const args = ["build", "--progress=plain", "--file=http://files.invalid/Dockerfile", `--output=${out}`, context];
  const done = await other.polyarch(args, { env });
  assert.equal(done.code, 0, done.stderr);
  assert.equal(await readFile(join(out, "word"), "utf8"), "through\n");
  const wrong = await house.polyarch(args, { env: { HTTP_PROXY: "nowhere" } });
  assert.match(wrong.stderr, /^ERROR: failed to build: .*invalid proxy in the environment/m);
});
