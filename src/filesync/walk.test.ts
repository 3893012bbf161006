import assert from "node:assert/strict";
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { BuildError } from "../base/errors/mod.ts";
import { comparePaths, followPaths, type WalkOptions, walkTree } from "./mod.ts";
import { makeRandomTree } from "./testing/random-tree.ts";

/** A directory with these files; a value is a symlink's target, a path that ends in a slash a directory. */
function tree(t: TestContext, paths: readonly (string | readonly [string, string])[]): string {
  const root = mkdtempSync(join(tmpdir(), "walk-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const entry of paths) {
    const path = typeof entry === "string" ? entry : entry[0];
    mkdirSync(join(root, path.endsWith("/") ? path : dirname(path)), { recursive: true });
    if (typeof entry !== "string") symlinkSync(entry[1], join(root, path));
    else if (!path.endsWith("/")) writeFileSync(join(root, path), path);
  }
  return root;
}

const pathsOf = (root: string, options?: WalkOptions) => [...walkTree(root, options)].map(({ path }) => path);

suite("walkTree()", () => {
  test("yields a directory before its contents, and both before the next name, byte by byte", (t) => {
    const root = tree(t, ["a/b", "a-b", "a.b", "aa", "B", "\u{1f600}", "\ue000", "ä", "z"]);
    assert.deepEqual(pathsOf(root), ["B", "a", "a/b", "a-b", "a.b", "aa", "z", "ä", "\ue000", "\u{1f600}"]);
  });

  test("is in the order of comparePaths for any tree", (t) => {
    const root = mkdtempSync(join(tmpdir(), "walk-"));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    makeRandomTree(root, 7, { entries: 300 });
    const paths = pathsOf(root);
    assert.ok(paths.length > 100);
    assert.deepEqual(paths, [...paths].sort(comparePaths));
    const byBytes = (path: string) => Buffer.from(path.replaceAll("/", "\0"));
    assert.deepEqual(
      paths,
      [...paths].sort((a, b) => Buffer.compare(byBytes(a), byBytes(b))),
    );
  });

  test("names the first path of a hardlink that is part of the walk", (t) => {
    const root = tree(t, ["a"]);
    linkSync(join(root, "a"), join(root, "b"));
    linkSync(join(root, "a"), join(root, "c"));
    const linksOf = (options?: WalkOptions) =>
      [...walkTree(root, options)].map(({ path, hardlink, size }) => [path, hardlink, size]);
    assert.deepEqual(linksOf(), [
      ["a", undefined, 1],
      ["b", "a", 1],
      ["c", "a", 1],
    ]);
    assert.deepEqual(linksOf({ exclude: ["a"] }), [
      ["b", undefined, 1],
      ["c", "b", 1],
    ]);
  });

  test("starts at a root that is a symlink and follows no other", (t) => {
    const root = tree(t, ["real/f", ["link", "real"], ["up", ".."]]);
    assert.deepEqual(pathsOf(join(root, "link")), ["f"]);
    assert.deepEqual(pathsOf(root), ["link", "real", "real/f", "up"]);
  });

  const files = [
    "a.log",
    "a.ts",
    "docs/x.md",
    "keep/deep/a.log",
    "keep/deep/a.ts",
    "node_modules/m/a.ts",
    "node_modules/m/keep.ts",
  ];
  const cases: readonly (readonly [WalkOptions, readonly string[]])[] = [
    [{ exclude: ["**/*.log", "node_modules", "docs"] }, ["a.ts", "keep", "keep/deep", "keep/deep/a.ts"]],
    [{ exclude: ["*", "!docs"] }, ["docs", "docs/x.md"]],
    [
      { exclude: ["node_modules", "!node_modules/m/keep.ts", "docs", "keep", "*.*"] },
      ["node_modules", "node_modules/m", "node_modules/m/keep.ts"],
    ],
    [{ include: ["keep/deep/a.ts"] }, ["keep", "keep/deep", "keep/deep/a.ts"]],
    [{ include: ["*/*/*.log"] }, ["keep", "keep/deep", "keep/deep/a.log"]],
    [{ include: ["keep"], exclude: ["**/*.log"] }, ["keep", "keep/deep", "keep/deep/a.ts"]],
    [
      { include: ["docs", "keep"], exclude: ["docs/*"] },
      ["docs", "keep", "keep/deep", "keep/deep/a.log", "keep/deep/a.ts"],
    ],
    [{ include: ["nothing"] }, []],
    [{ exclude: ["**"] }, []],
    [
      { include: [""], exclude: [" "] },
      [
        "a.log",
        "a.ts",
        "docs",
        "docs/x.md",
        "keep",
        "keep/deep",
        "keep/deep/a.log",
        "keep/deep/a.ts",
        "node_modules",
        "node_modules/m",
        "node_modules/m/a.ts",
        "node_modules/m/keep.ts",
      ],
    ],
  ];
  for (const [filter, want] of cases) {
    test(`with ${JSON.stringify(filter)} yields just that`, (t) => {
      assert.deepEqual(pathsOf(tree(t, files), filter), want);
    });
  }

  test("does not enter what is excluded", { skip: process.getuid?.() === 0 && "root may read everything" }, (t) => {
    const root = tree(t, ["open", "closed/x"]);
    chmodSync(join(root, "closed"), 0);
    t.after(() => chmodSync(join(root, "closed"), 0o755));
    assert.deepEqual(pathsOf(root, { exclude: ["closed"] }), ["open"]);
    assert.throws(() => pathsOf(root), { code: "EACCES" });
  });

  test("leaves out what vanishes on the way", (t) => {
    const root = tree(t, ["a", "b", "c/d"]);
    const walk = walkTree(root);
    assert.equal(walk.next().value?.path, "a");
    rmSync(join(root, "b"));
    rmSync(join(root, "c"), { recursive: true });
    assert.deepEqual([...walk], []);
  });

  test("says which pattern or name makes no sense", (t) => {
    const root = tree(t, ["a"]);
    const invalid = (message: RegExp) => (error: unknown) =>
      error instanceof BuildError && error.code === "invalid_argument" && message.test(error.message);
    assert.throws(() => pathsOf(root, { include: ["["] }), invalid(/invalid includepatterns/));
    assert.throws(() => pathsOf(root, { exclude: ["!"] }), invalid(/invalid excludepatterns/));
    writeFileSync(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.from([0xff])]), "");
    assert.throws(() => pathsOf(root), invalid(/is not valid UTF-8/));
    assert.deepEqual(pathsOf(root, { exclude: ["bad*"] }), ["a"]);
  });
});

suite("followPaths()", () => {
  const layout: readonly (string | readonly [string, string])[] = [
    "real/file",
    "real/other",
    "top",
    ["link", "real"],
    ["abs", "/real/file"],
    ["chain", "link/file"],
    ["loop", "loop"],
    ["ping", "pong"],
    ["pong", "ping"],
    ["escape", "../../../top"],
    ["sub/up", "../top"],
    ["dangling", "nowhere/at/all"],
    ["here", "."],
  ];
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["top"], ["top"]],
    [["/top"], ["top"]],
    [["missing"], ["missing"]],
    [["link/file"], ["link", "real/file"]],
    [["abs"], ["abs", "real/file"]],
    [["chain"], ["chain", "link", "real/file"]],
    [["loop"], ["loop"]],
    [["ping"], ["ping", "pong"]],
    [["escape"], ["escape", "top"]],
    [["sub/up"], ["sub/up", "top"]],
    [["dangling"], ["dangling", "nowhere/at/all"]],
    [["link/*"], ["link", "real/*"]],
    [["cha*"], ["cha*", "link", "real/file"]],
    [["real", "real/file"], ["real"]],
    [["."], []],
    [["/"], []],
    [["here"], []],
    [["top", "here"], []],
    [["../../top"], ["top"]],
  ];
  for (const [paths, want] of cases) {
    test(`of ${paths.join(" and ")} is ${want.length > 0 ? want.join(", ") : "everything"}`, (t) => {
      assert.deepEqual(followPaths(tree(t, layout), paths), want);
    });
  }
});
