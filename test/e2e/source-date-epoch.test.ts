import assert from "node:assert/strict";
import { mkdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { must, serveFiles, startGit } from "../lab/mod.ts";
import { differs, openHouse } from "./harness.ts";

const house = await openHouse();
const git = house.own(await startGit());

const dockerfile = "FROM scratch\nARG SOURCE_DATE_EPOCH\nCOPY . /files/\n";
const committed = "2019-03-04T05:06:07Z";

/** A tar whose newest file is of 2018; directories do not count. */
const packed = await house.directory();
await mkdir(join(packed, "sub"));
await writeFile(join(packed, "Dockerfile"), dockerfile);
await writeFile(join(packed, "sub/newest"), "newest\n");
await utimes(join(packed, "Dockerfile"), 1_000_000_000, 1_000_000_000);
await utimes(join(packed, "sub/newest"), 1_514_764_800, 1_514_764_800);
await must("tar", ["-czf", "../packed.tar.gz", "-C", packed, "."], { cwd: packed });
const archive = await readFile(join(packed, "../packed.tar.gz"));
const served = { "/packed.tar.gz": archive, "/Dockerfile": dockerfile };
const dated = house.own(await serveFiles(served, { lastModified: "Tue, 15 Nov 1994 12:45:26 GMT", etags: "honest" }));
const undated = house.own(await serveFiles(served, { lastModified: "" }));

const epochArg = (value: string) => ["--build-arg", `SOURCE_DATE_EPOCH=${value}`];
const created = async (context: string, value: string, args: readonly string[] = []) =>
  (await house.configOf(context, [...epochArg(value), ...args])).created;

const skip = differs("newer than the BuildKit of Docker 28.5");

suite("SOURCE_DATE_EPOCH=context", { skip }, () => {
  test("is the time of the commit, of the image and of its files", async () => {
    const address = await git.repository("dated.git", [{ word: "one\n" }]);
    await git.add("dated.git", { Dockerfile: dockerfile }, { date: committed });
    const config = await house.configOf(address, epochArg("context"));
    assert.equal(config.created, committed);
    assert.equal(config.history[0]?.created_by, `ARG SOURCE_DATE_EPOCH=${Date.parse(committed) / 1000}`);
    const listed = await house.listed(address, epochArg("context"));
    assert.match(listed.get("files/word") ?? "", /2019-03-04 05:06:07/);
  });

  test("is what the server says of an archive, or else the time of its newest file", async () => {
    assert.equal(await created(`${dated.address}/packed.tar.gz`, "context"), "1994-11-15T12:45:26Z");
    assert.equal(await created(`${undated.address}/packed.tar.gz`, "context"), "2018-01-01T00:00:00Z");
  });

  test("is nothing where nobody knows it: directories of the client, files without a time", async () => {
    const before = new Date().toISOString();
    const local = await house.context({ Dockerfile: dockerfile, word: "word\n" });
    for (const context of [local, `${undated.address}/Dockerfile`]) {
      const time = (await created(context, "context")) ?? "";
      assert.ok(time >= before.slice(0, 19), `${context}: ${time}`);
    }
  });
});

suite("SOURCE_DATE_EPOCH with a name", { skip }, () => {
  test("is the time of a stage that is one source, in the Dockerfile's own words too", async () => {
    const context = await house.context({
      Dockerfile: `
        ARG SOURCE_DATE_EPOCH=upstream
        FROM scratch AS upstream
        ADD ${dated.address}/packed.tar.gz /
        FROM scratch AS packed
        ADD ${undated.address}/packed.tar.gz /
        FROM scratch
        COPY --from=upstream / /
      `,
    });
    assert.equal((await house.configOf(context)).created, "1994-11-15T12:45:26Z");
    assert.equal(await created(context, "packed"), "2018-01-01T00:00:00Z");
    const out = await house.exported(context);
    assert.equal((await stat(join(out, "packed.tar.gz"))).mtime.toISOString(), "1994-11-15T12:45:26.000Z");
  });

  test("is the time of a named context", async () => {
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY --from=src . /\n" });
    await git.repository("named.git", [{ word: "one\n" }]);
    await git.add("named.git", { word: "two\n" }, { date: committed });
    const of = (source: string) => created(context, "src", ["--build-context", `src=${source}`]);
    assert.equal(await of(`${git.address}/named.git`), committed);
    assert.equal(await of(`${dated.address}/packed.tar.gz`), "1994-11-15T12:45:26Z");
    const made = `${house.registry.host}/made:latest`;
    await house.build(context, [...epochArg("1000000000"), `--build-context=src=${packed}`, "--tag", made, "--push"]);
    assert.equal(await of(`docker-image://${made}`), "2001-09-09T01:46:40Z");
  });

  test("that nobody knows, or of a stage that is more than a source, is refused with its place", async () => {
    const context = await house.context({
      Dockerfile: `
        FROM scratch AS more
        ADD ${dated.address}/packed.tar.gz /
        RUN make
        FROM scratch
        ENV A=b
      `,
    });
    const { stderr } = await house.fails(context, epochArg("more"));
    assert.match(stderr, /source-only requirements: unsupported RUN instruction/);
    assert.match(stderr, />>> FROM scratch AS more/);
    assert.match((await house.fails(context, epochArg("nobody"))).stderr, /invalid SOURCE_DATE_EPOCH: nobody/);
  });
});
