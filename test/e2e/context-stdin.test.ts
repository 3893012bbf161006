import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { must, serveFiles } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();

const files = { Dockerfile: "FROM scratch\nCOPY word dir /\n", word: "hello\n", "dir/inner": "inner\n" };
const context = await house.context({ ...files, "sub/Dockerfile": "FROM scratch\nCOPY word /renamed\n" });

/** `polyarch build`, with `stdin`, to a directory. */
async function built(args: readonly string[], stdin: string | Uint8Array): Promise<string> {
  const out = await house.directory();
  const done = await house.polyarch(["build", "--progress=plain", "--output", out, ...args], { stdin, cwd: context });
  assert.equal(done.code, 0, done.stderr);
  return out;
}

async function refused(args: readonly string[], stdin: string | Uint8Array): Promise<string> {
  const done = await house.polyarch(["build", "--progress=plain", "--output=type=cacheonly", ...args], {
    stdin,
    cwd: context,
  });
  assert.notEqual(done.code, 0, `was expected to fail, but said:\n${done.stderr}`);
  return done.stderr;
}

/** The context as a tar. */
async function archive(compressor?: string): Promise<Uint8Array> {
  const pack = `tar -C ${context} -c .${compressor ? ` | ${compressor}` : ""} | base64 -w0`;
  return Buffer.from(await must("sh", ["-c", pack]), "base64");
}

suite("a Dockerfile on stdin", () => {
  test("is built with an empty context", async () => {
    const out = await built(["-"], "FROM scratch\nCOPY <<EOF /x\nhi\nEOF\n");
    assert.equal(await readFile(join(out, "x"), "utf8"), "hi\n");
    assert.match(await refused(["-"], "FROM scratch\nCOPY word /\n"), /"\/word": not found/);
  });

  test("goes with a context of files, with --file=-", async () => {
    const out = await built(["--file=-", "."], "FROM scratch\nCOPY dir/inner /x\n");
    assert.equal(await readFile(join(out, "x"), "utf8"), "inner\n");
  });

  test("cannot be where a context is, or another Dockerfile", async () => {
    assert.match(await refused(["--file=-", "-"], ""), /can't use stdin for both build context and dockerfile/);
    assert.match(
      await refused(["--file=Dockerfile", "-"], "FROM scratch\n"),
      /ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles/,
    );
  });

  test("that is empty, or nonsense, is said to be so", async () => {
    assert.match(await refused(["-"], "nonsense\n"), /unknown instruction: nonsense/);
    assert.match(await refused(["--file=-", "."], ""), /the Dockerfile cannot be empty/);
    assert.match(await refused(["-"], ""), /the Dockerfile cannot be empty|failed to read dockerfile/);
  });
});

suite("an archive on stdin", () => {
  for (const compressor of [undefined, "gzip", "bzip2", "xz"]) {
    test(`is the context, ${compressor ?? "not compressed"}`, async () => {
      const out = await built(["-"], await archive(compressor));
      assert.deepEqual((await readdir(out)).toSorted(), ["inner", "word"]);
    });
  }

  test("has the Dockerfile that --file names", async () => {
    const out = await built(["--file=sub/Dockerfile", "-"], await archive("gzip"));
    assert.equal(await readFile(join(out, "renamed"), "utf8"), "hello\n");
  });

  test("that is cut off fails the build and nothing else", async () => {
    const whole = await archive("gzip");
    assert.match(await refused(["-"], whole.subarray(0, whole.length - 40)), /ERROR: failed to build/);
    await built(["-"], whole);
  });
});

test("a Dockerfile behind an address is fetched", async () => {
  await using server = await serveFiles({ "/some/Dockerfile": "FROM scratch\nCOPY word /fetched\n" });
  const out = await built([`--file=${server.address}/some/Dockerfile`, "."], "");
  assert.equal(await readFile(join(out, "fetched"), "utf8"), "hello\n");
  assert.match(await refused([`--file=${server.address}/none`, "."], ""), /invalid response status 404/);
});

suite("a context behind an address", () => {
  test("is an archive, or a Dockerfile", async () => {
    const dockerfile = "FROM scratch\nCOPY <<EOF /x\nhi\nEOF\n";
    await using server = await serveFiles({ "/a/context.tar.gz": await archive("gzip"), "/plain": dockerfile });
    assert.deepEqual((await readdir(await built([`${server.address}/a/context.tar.gz`], ""))).toSorted(), [
      "inner",
      "word",
    ]);
    assert.deepEqual(await readdir(await built([`${server.address}/plain`], "")), ["x"]);
    const out = await built(["--file=-", `${server.address}/a/context.tar.gz`], "FROM scratch\nCOPY word /own\n");
    assert.deepEqual(await readdir(out), ["own"]);
    assert.match(await refused([`${server.address}/none`], ""), /invalid response status 404/);
  });
});

/** One member of a tar that no tar program would write. */
interface Member {
  readonly name: string;
  readonly text?: string;
  /** The type's character: `0` file, `2` symbolic link, `3` device. */
  readonly type?: string;
  readonly link?: string;
  /** What the header says, whatever follows. */
  readonly size?: number;
}

function tarOf(members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({ name, text = "", type = "0", link = "", size = text.length }) => {
    const header = Buffer.alloc(512);
    const field = (at: number, value: string) => header.write(value, at, "latin1");
    const octal = (at: number, length: number, value: number) => field(at, value.toString(8).padStart(length - 1, "0"));
    field(0, name);
    octal(100, 8, 0o644);
    octal(108, 8, 0);
    octal(116, 8, 0);
    octal(124, 12, size);
    octal(136, 12, 0);
    field(148, "        ");
    field(156, type);
    field(157, link);
    field(257, "ustar\x0000");
    octal(329, 8, 1);
    octal(337, 8, 3);
    octal(
      148,
      7,
      header.reduce((sum, byte) => sum + byte, 0),
    );
    const data = Buffer.from(text);
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

suite("a hostile archive on stdin", () => {
  const dockerfile = { name: "Dockerfile", text: "FROM scratch\nCOPY . /\n" };

  test("cannot put anything outside of the context", async () => {
    const [parent, absolute, link] = ["parent", "absolute", "link"].map((name) => `polyarch-${name}-${randomUUID()}`);
    const outside = [`/tmp/${parent}`, `/tmp/${absolute}`, `/etc/${link}`];
    const members = [
      dockerfile,
      { name: `../../../../../../tmp/${parent}`, text: "x" },
      { name: `/tmp/${absolute}`, text: "x" },
      { name: "out", type: "2", link: "/etc" },
      { name: `out/${link}`, text: "x" },
    ];
    const done = await house.polyarch(["build", "--output", await house.directory(), "-"], { stdin: tarOf(members) });
    if (done.code !== 0) assert.match(done.stderr, /ERROR: failed to build/);
    for (const path of outside) await assert.rejects(readFile(path), { code: "ENOENT" });
  });

  test("whose links lead out is read inside only", async () => {
    const tar = tarOf([
      { name: "Dockerfile", text: "FROM scratch\nCOPY link/passwd /\n" },
      { name: "link", type: "2", link: "../../../../../../etc" },
    ]);
    assert.match(await refused(["-"], tar), /not found|no such file/);
  });

  test("that says it is larger than it is fails, and so does one with nothing in it", async () => {
    assert.match(
      await refused(["-"], tarOf([dockerfile, { name: "huge", text: "x", size: 2 ** 32 }])),
      /ERROR: failed/,
    );
    assert.match(await refused(["-"], tarOf([{ name: "other", text: "x" }])), /failed to read dockerfile/);
  });

  test("leaves an engine that builds on", async () => {
    const out = await built(
      ["-"],
      tarOf([
        { name: "Dockerfile", text: "FROM scratch\nCOPY word /\n" },
        { name: "word", text: "x" },
      ]),
    );
    assert.deepEqual(await readdir(out), ["word"]);
  });
});
