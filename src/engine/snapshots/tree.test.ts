import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { comparePaths, completeLayer, isComplete, type LayerToc, mergeLayers, sortToc, type TocEntry } from "./mod.ts";

const meta = { mode: 0o755, uid: 0, gid: 0, size: 0, mtimeSec: 1, mtimeNsec: 0 } as const;
const dir = (path: string, mode = 0o755): TocEntry => ({ ...meta, path, type: "dir", mode });
const file = (path: string, size = 1): TocEntry => ({ ...meta, path, type: "file", mode: 0o644, size });
const link = (path: string, linkname: string): TocEntry => ({ ...meta, path, type: "symlink", mode: 0o777, linkname });
const hard = (path: string, hardlink: string): TocEntry => ({ ...file(path, 0), hardlink });
const layer = (entries: TocEntry[], whiteouts: string[] = [], opaques: string[] = []): LayerToc => ({
  entries,
  whiteouts,
  opaques,
});

test("paths sort as bytes with the slash lowest", () => {
  const sorted = ["", "a", "a/b", "a/b/c", "a b", "a-b", "a.b", "ab", "b", "é", "\ufb01", "𐍈"];
  for (const [at, path] of sorted.entries()) {
    assert.equal(comparePaths(path, path), 0);
    for (const later of sorted.slice(at + 1)) {
      assert.ok(comparePaths(path, later) < 0, `${path} < ${later}`);
      assert.ok(comparePaths(later, path) > 0, `${later} > ${path}`);
    }
  }
});

suite("a merged tree", () => {
  const base = layer([dir("a"), file("a/x", 1), file("a/y", 2), dir("a/z"), file("a/z/deep"), link("l", "a")]);

  test("shows what every layer adds, the upper one winning", () => {
    const tree = mergeLayers([base, layer([dir("a", 0o700), file("a/x", 9), file("new")])]);
    assert.equal(tree.get("a")?.mode, 0o700);
    assert.equal(tree.get("a/x")?.size, 9);
    assert.deepEqual(tree.children("a"), ["x", "y", "z"]);
    assert.deepEqual(tree.children(""), ["a", "l", "new"]);
    assert.equal(tree.get("nothing/here"), undefined);
    assert.equal(tree.get("a/x/below-a-file"), undefined);
  });

  test("walks in order, a directory before what is in it", () => {
    const tree = mergeLayers([layer([file("a-b"), dir("a"), file("a/c")])]);
    assert.deepEqual(
      [...tree.walk("")].map(({ path }) => path),
      ["", "a", "a/c", "a-b"],
    );
    assert.deepEqual(
      [...tree.walk("a")].map(({ path }) => path),
      ["a", "a/c"],
    );
    assert.deepEqual([...tree.walk("missing")], []);
  });

  test("hides what a layer deletes, but not what the same layer adds", () => {
    const tree = mergeLayers([base, layer([dir("a/z"), file("a/z/own")], ["a/y", "l"], ["a/z"])]);
    assert.deepEqual(tree.children("a"), ["x", "z"]);
    assert.deepEqual(tree.children("a/z"), ["own"]);
    assert.deepEqual(tree.children(""), ["a"]);
  });

  test("replaces a directory by a file with all that was in it, and back", () => {
    const tree = mergeLayers([base, layer([file("a")]), layer([dir("a")])]);
    assert.deepEqual(tree.children("a"), []);
  });

  test("leaves the trees it was made from alone", () => {
    const below = mergeLayers([base]);
    const above = below.with(layer([file("a/x", 9)], ["a/y", "a/z"]));
    assert.deepEqual(below.children("a"), ["x", "y", "z"]);
    assert.equal(below.get("a/x")?.size, 1);
    assert.deepEqual(above.children("a"), ["x"]);
  });

  test("knows the layer of each entry, and shows directories nobody described", () => {
    const top = layer([file("p/q/r")]);
    const tree = mergeLayers([base, top]);
    assert.equal(tree.layerOf("a/x"), base);
    assert.equal(tree.layerOf("p/q/r"), top);
    assert.deepEqual(tree.get("p/q"), { ...meta, path: "p/q", type: "dir", mode: 0o755, mtimeSec: 0 });
  });

  test("has a root even without layers", () => {
    assert.equal(mergeLayers([]).get("")?.type, "dir");
    assert.deepEqual(mergeLayers([]).children(""), []);
  });
});

suite("completing a layer", () => {
  const lower = mergeLayers([
    layer([
      link("lib", "usr/lib"),
      dir("opt", 0o750),
      file("opt/data", 7),
      dir("usr"),
      dir("usr/lib", 0o711),
      link("usr/loop", "loop"),
      dir("var"),
      file("var/old"),
    ]),
  ]);
  const complete = (toc: LayerToc) => completeLayer(sortToc(toc), lower);

  test("gives directories that it does not mention the metadata they have below", () => {
    const { toc } = complete(layer([file("opt/x/y")]));
    assert.deepEqual(
      toc.entries.map(({ path, mode }) => [path, mode]),
      [
        ["opt", 0o750],
        ["opt/x", 0o755],
        ["opt/x/y", 0o644],
      ],
    );
  });

  test("moves what goes through a link below to where the link leads", () => {
    const result = complete(layer([file("lib/so"), dir("lib/d"), file("lib/d/e")], ["lib/gone"]));
    assert.deepEqual(result.moves, [{ from: "lib", to: "usr/lib" }]);
    assert.deepEqual(
      result.toc.entries.map(({ path }) => path),
      ["usr", "usr/lib", "usr/lib/d", "usr/lib/d/e", "usr/lib/so"],
    );
    assert.equal(result.toc.entries[1]?.mode, 0o711);
  });

  test("keeps a directory that the layer itself puts in the place of a link", () => {
    const { toc, moves } = complete(layer([dir("lib"), file("lib/so")]));
    assert.deepEqual(moves, []);
    assert.deepEqual(
      toc.entries.map(({ path }) => path),
      ["lib", "lib/so"],
    );
  });

  test("turns a link to a lower file into that file", () => {
    const { toc, links } = complete(layer([hard("copy", "opt/data")]));
    assert.deepEqual(links, [{ path: "copy", target: "opt/data" }]);
    assert.deepEqual(toc.entries, [{ ...file("copy", 7) }]);
    assert.throws(() => complete(layer([hard("copy", "no/such")])), /"copy" links to "no\/such", which does not exist/);
  });

  test("drops deletions of what does not exist", () => {
    const { toc } = complete(layer([], ["var/old", "var/never", "no/where"], ["var", "never"]));
    assert.deepEqual(toc.whiteouts, ["var/old"]);
    assert.deepEqual(toc.opaques, ["var"]);
  });

  test("gives up on links that lead in circles", () => {
    assert.throws(() => complete(layer([file("usr/loop/x")])), /too many links/);
  });

  test("changes nothing about a layer that says everything itself", () => {
    assert.equal(isComplete(layer([dir("a"), file("a/b"), hard("c", "a/b")])), true);
    assert.equal(isComplete(layer([file("a/b")])), false);
    assert.equal(isComplete(layer([], ["a"])), false);
    assert.equal(isComplete(layer([hard("c", "a/b")])), false);
  });
});

test("of a file with several names the first in order is the file, whatever the archive said", () => {
  const { entries } = sortToc(
    layer([{ ...file("z", 5) }, { ...file("b", 5), hardlink: "z" }, { ...file("c", 5), hardlink: "z" }]),
  );
  assert.deepEqual(
    entries.map(({ path, hardlink }) => [path, hardlink]),
    [
      ["b", undefined],
      ["c", "b"],
      ["z", "b"],
    ],
  );
});
