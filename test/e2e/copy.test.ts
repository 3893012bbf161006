import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { lstat, readFile, readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { must } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();

/** What a tree holds: the regular files and links, sorted. */
async function paths(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .toSorted();
}

describe("COPY decides where things land", () => {
  const files = {
    "a.txt": "a",
    "b.txt": "b",
    "dir/one.txt": "one",
    "dir/sub/two.txt": "two",
    "names/x1.log": "1",
    "names/x2.log": "2",
    "names/y1.txt": "y",
  };
  const cases: [name: string, instructions: string, want: string[]][] = [
    ["a file to a new name", "COPY a.txt /new.txt", ["new.txt"]],
    ["a file into a directory", "COPY a.txt /deep/down/", ["deep/down/a.txt"]],
    ["several files", "COPY a.txt b.txt /to/", ["to/a.txt", "to/b.txt"]],
    ["a directory's contents, not the directory", "COPY dir /to", ["to/one.txt", "to/sub/two.txt"]],
    ["the whole context", "COPY names /", ["x1.log", "x2.log", "y1.txt"]],
    ["what a wildcard matches", "COPY names/x*.log /logs/", ["logs/x1.log", "logs/x2.log"]],
    ["what a class and a question mark match", "COPY names/[xy]?.* /", ["x1.log", "x2.log", "y1.txt"]],
    ["from the context's root, with a leading slash", "COPY /dir/one.txt /", ["one.txt"]],
    ["no further than the context's root", "COPY ../../a.txt /", ["a.txt"]],
    ["relative to WORKDIR", "WORKDIR /work\nWORKDIR here\nCOPY a.txt .", ["work/here/a.txt"]],
    ["the JSON form, for spaces", 'COPY ["a.txt", "/with space.txt"]', ["with space.txt"]],
    ["names from variables", "ARG NAME=b\nENV TO=/to\nCOPY ${NAME}.txt ${TO}/", ["to/b.txt"]],
    ["one after the other", "COPY dir /to\nCOPY a.txt /to/one.txt", ["to/one.txt", "to/sub/two.txt"]],
  ];
  for (const [name, instructions, want] of cases) {
    test(name, async () => {
      const context = await house.context({ ...files, Dockerfile: `FROM scratch\n${instructions}\n` });
      assert.deepEqual(await paths(await house.exported(context)), want);
    });
  }
  test("the later of two files wins", async () => {
    const context = await house.context({ ...files, Dockerfile: "FROM scratch\nCOPY a.txt /x\nCOPY b.txt /x\n" });
    assert.equal(await readFile(join(await house.exported(context), "x"), "utf8"), "b");
  });
});

describe("COPY keeps what a file is", () => {
  test("mode and time", async () => {
    const context = await house.context({
      Dockerfile: "FROM scratch\nCOPY run.sh note.txt /\n",
      "run.sh": { text: "#!/bin/sh\n", mode: 0o755 },
      "note.txt": { text: "note", mode: 0o640 },
    });
    await must("touch", ["-d", "2001-02-03T04:05:06Z", join(context, "note.txt")]);
    const listed = await house.listed(context);
    assert.match(listed.get("run.sh") ?? "", /^-rwxr-xr-x 0\/0 /);
    assert.match(listed.get("note.txt") ?? "", /^-rw-r----- 0\/0 +4 2001-02-03 04:05:06/);
  });

  test("symbolic links in a directory stay links; one that is named itself is followed", async () => {
    const context = await house.context({
      Dockerfile: "FROM scratch\nCOPY dir /dir\nCOPY dir/link /followed\n",
      "dir/real.txt": "real",
      "dir/link": { link: "real.txt" },
      "dir/dangling": { link: "/nowhere" },
    });
    const out = await house.exported(context);
    assert.equal(await readlink(join(out, "dir/link")), "real.txt");
    assert.equal(await readlink(join(out, "dir/dangling")), "/nowhere");
    assert.ok((await lstat(join(out, "followed"))).isFile());
    assert.equal(await readFile(join(out, "followed"), "utf8"), "real");
  });

  test("a link in the image is followed inside the image", async () => {
    const context = await house.context({
      Dockerfile: `FROM ${house.base}\nRUN mkdir -p /real && ln -s /real /link\nCOPY a.txt /link/\n`,
      "a.txt": "through the link",
    });
    const out = await house.exported(context);
    assert.equal(await readFile(join(out, "real/a.txt"), "utf8"), "through the link");
    assert.equal(await readlink(join(out, "link")), "/real");
  });

  test("empty files and directories, and odd names", async () => {
    const context = await house.context({
      Dockerfile: "FROM scratch\nCOPY . /\n",
      ".dockerignore": "Dockerfile\n.dockerignore\n",
      "empty/nothing": "",
      "größe ✓.txt": "umlaut",
      "back\\slash": "b",
    });
    await must("mkdir", ["-p", join(context, "empty/dir")]);
    const out = await house.exported(context);
    assert.ok((await stat(join(out, "empty/dir"))).isDirectory());
    assert.deepEqual(await paths(out), ["back\\slash", "empty/nothing", "größe ✓.txt"].toSorted());
  });
});

describe("--chown and --chmod", () => {
  test("numbers, names of the image, and modes in both spellings", async () => {
    const context = await house.context({
      Dockerfile: `
        FROM ${house.base}
        COPY a.txt /default
        COPY --chown=12:34 a.txt /numbers
        COPY --chown=12 a.txt /number
        COPY --chown=daemon:staff a.txt /names
        COPY --chown=www-data a.txt /name
        COPY --chmod=4711 a.txt /octal
        COPY --chmod=u=rwx,go=r a.txt /symbols
        COPY --chown=7:7 dir /dir
      `,
      "a.txt": "a",
      "dir/sub/file": "f",
    });
    const listed = await house.listed(context);
    const want: [string, RegExp][] = [
      ["default", /^-rw-r--r-- 0\/0 /],
      ["numbers", /^-rw-r--r-- 12\/34 /],
      ["number", /^-rw-r--r-- 12\/12 /],
      ["names", /^-rw-r--r-- 1\/50 /],
      ["name", /^-rw-r--r-- 33\/33 /],
      ["octal", /^-rws--x--x 0\/0 /],
      ["symbols", /^-rwxr--r-- 0\/0 /],
      ["dir/sub", /^d\S+ 7\/7 /],
      ["dir/sub/file", /^-rw-r--r-- 7\/7 /],
    ];
    for (const [path, line] of want) assert.match(listed.get(path) ?? `no ${path}`, line);
  });
});

describe("COPY --from", () => {
  test("a stage by name and by number, and an image", async () => {
    const context = await house.context({
      Dockerfile: `
        FROM ${house.base} AS maker
        RUN mkdir -p /out/deep && echo made > /out/deep/file && ln -s deep/file /out/link
        FROM scratch
        COPY --from=maker /out /named
        COPY --from=0 /out/deep/file /numbered
        COPY --from=${house.base} /etc/passwd /passwd
      `,
    });
    const out = await house.exported(context);
    assert.equal(await readFile(join(out, "named/deep/file"), "utf8"), "made\n");
    assert.equal(await readlink(join(out, "named/link")), "deep/file");
    assert.equal(await readFile(join(out, "numbered"), "utf8"), "made\n");
    assert.match(await readFile(join(out, "passwd"), "utf8"), /^root:/);
  });

  test("owners of the other stage stay", async () => {
    const context = await house.context({
      Dockerfile: `
        FROM ${house.base} AS maker
        RUN echo x > /file && chown 55:66 /file && chmod 600 /file
        FROM scratch
        COPY --from=maker /file /
      `,
    });
    assert.match((await house.listed(context)).get("file") ?? "", /^-rw------- 55\/66 /);
  });
});

describe("ADD", () => {
  for (const [flag, name] of [
    ["-cf", "plain.tar"],
    ["-czf", "packed.tar.gz"],
    ["-cjf", "packed.tar.bz2"],
    ["-cJf", "packed.tar.xz"],
  ] as const) {
    test(`unpacks ${name}, which COPY leaves alone`, async () => {
      const context = await house.context({
        Dockerfile: `FROM scratch\nADD ${name} /added/\nCOPY ${name} /copied/\n`,
        "in/file.txt": "packed",
        "in/run.sh": { text: "#!/bin/sh\n", mode: 0o755 },
        "in/link": { link: "file.txt" },
      });
      await must("tar", ["-C", join(context, "in"), flag, join(context, name), "."]);
      const out = await house.exported(context);
      assert.equal(await readFile(join(out, "added/file.txt"), "utf8"), "packed");
      assert.equal(await readlink(join(out, "added/link")), "file.txt");
      assert.equal((await stat(join(out, "added/run.sh"))).mode & 0o777, 0o755);
      assert.deepEqual(await paths(join(out, "copied")), [name]);
    });
  }

  test("copies what is no archive, as COPY does", async () => {
    const context = await house.context({
      Dockerfile: "FROM scratch\nADD a.txt dir /to/\n",
      "a.txt": "a",
      "dir/b": "b",
    });
    assert.deepEqual(await paths(await house.exported(context)), ["to/a.txt", "to/b"]);
  });

  test("an archive cannot write outside the image", async () => {
    const context = await house.context({ Dockerfile: "FROM scratch\nADD evil.tar /in/\n", "x/file": "f" });
    const escape = `polyarch-escape-${randomUUID()}`;
    await must("tar", [
      "-C",
      join(context, "x"),
      `--transform=s,^,../../../../tmp/${escape}/,`,
      "-P",
      "-cf",
      join(context, "evil.tar"),
      "file",
    ]);
    const done = await house.polyarch(["build", "-o", `type=local,dest=${await house.directory()}`, context]);
    await assert.rejects(stat(`/tmp/${escape}`), { code: "ENOENT" }, done.stderr);
  });
});
