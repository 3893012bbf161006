import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { openHouse, differs } from "./harness.ts";

const house = await openHouse();

suite("COPY --link", () => {
  const dockerfile = (before: string) => `
    FROM ${house.base}
    RUN ${before}
    COPY --link --chown=7:8 word /made/here/
  `;

  test("makes a layer that stays the same when what it lies on changes", async () => {
    const layers = [];
    for (const before of ["echo one > /below", "echo two > /below"]) {
      const context = await house.context({ Dockerfile: dockerfile(before), word: "word\n" });
      layers.push((await house.configOf(context)).rootfs.diff_ids);
    }
    const [[, below, linked] = [], [, otherBelow, otherLinked] = []] = layers.map((ids) => ids.slice(-3));
    assert.equal(linked, otherLinked);
    assert.notEqual(below, otherBelow);
  });

  test("is laid over what is there, and does not follow its links", async () => {
    const context = await house.context({
      Dockerfile: `
        FROM scratch AS below
        COPY old /real/old
        FROM ${house.base} AS made
        RUN mkdir /real && echo old > /real/old && ln -s /real /place
        COPY --link word /place/
        FROM scratch
        COPY --from=made /real /real
        COPY --from=made /place/ /place/
      `,
      word: "word\n",
      old: "old\n",
    });
    const out = await house.exported(context);
    assert.equal(await readFile(join(out, "place/word"), "utf8"), "word\n");
    await assert.rejects(readFile(join(out, "real/word")), { code: "ENOENT" });
  });
});

test("COPY --parents keeps the directories behind the pivot, --exclude leaves out", {
  skip: differs("in the labs version of the frontend only"),
}, async () => {
  const context = await house.context({
    Dockerfile: `
      FROM scratch
      COPY --parents a/b/word a/c/word /whole/
      COPY --parents a/./b/word /pivot/
      COPY --exclude=*.md --exclude=b a /some/
    `,
    "a/b/word": "b\n",
    "a/c/word": "c\n",
    "a/read.md": "no\n",
  });
  const listed = await house.listed(context);
  const paths = [...listed.keys()].filter((path) => /word|\.md/.test(path)).toSorted();
  assert.deepEqual(paths, ["pivot/b/word", "some/c/word", "whole/a/b/word", "whole/a/c/word"]);
});

test("COPY --chmod takes symbols, --chown names of the image", async () => {
  const context = await house.context({
    Dockerfile: `FROM ${house.base}\nCOPY --chmod=u=rwX,go=rX --chown=daemon:daemon dir /dir\n`,
    "dir/file": { text: "x", mode: 0o600 },
    "dir/run": { text: "x", mode: 0o700 },
  });
  const listed = await house.listed(context);
  assert.match(listed.get("dir/file") ?? "", /^-rw-r--r-- 1\/1 /);
  assert.match(listed.get("dir/run") ?? "", /^-rwxr-xr-x 1\/1 /);
});
