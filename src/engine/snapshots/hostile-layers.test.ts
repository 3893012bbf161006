import assert from "node:assert/strict";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { lgetxattr, llistxattr } from "../../base/sys/mod.ts";
import { encodeEntry, endOfArchive, paddingOf, type TarEntry, TarParser } from "../../tar/mod.ts";
import { LayerReader, type LayerToc, scanDirectory, sealDirectory, TreeWriter } from "./mod.ts";

const base: TarEntry = { name: "", type: "file", mode: 0o644, uid: 0, gid: 0, size: 0, mtimeSec: 1, mtimeNsec: 0 };
const file = (name: string, body = "x"): [TarEntry, string] => [{ ...base, name, size: body.length }, body];
const link = (name: string, linkname: string): [TarEntry, string] => [{ ...base, name, type: "symlink", linkname }, ""];
const hard = (name: string, linkname: string): [TarEntry, string] => [
  { ...base, name, type: "hardlink", linkname },
  "",
];
const dir = (name: string): [TarEntry, string] => [{ ...base, name, type: "dir", mode: 0o755 }, ""];

suite("names that lead out of the layer are refused", () => {
  const cases: readonly [name: string, members: [TarEntry, string][], message: RegExp][] = [
    ["..", [file("../evil")], /leads out of the archive/],
    [".. in the middle", [file("a/../../evil")], /leads out of the archive/],
    ["a link to outside", [hard("a", "../../etc/passwd")], /leads out of the archive/],
    ["through a file", [file("a"), file("a/b")], /goes through "a", which is a file/],
    ["a link in circles", [link("a", "b"), link("b", "a"), file("a/x")], /too many links/],
    ["a hard link to a directory", [dir("a"), hard("b", "a")], /hard link to a directory/],
    ["a hard link to itself", [hard("b", "b")], /link to itself/],
    ["a deletion of everything", [file(".wh...")], /invalid whiteout/],
    ["a deletion of nothing", [file(".wh.")], /invalid whiteout/],
    ["a root that is a file", [file("./")], /the root of the archive is a file/],
  ];
  for (const [name, members, message] of cases) {
    test(name, (t) => {
      const { outside, root } = temporary(t);
      assert.throws(() => unpack(members, root), message);
      assert.deepEqual(readdirSync(outside).sort(), ["root", "secret"]);
    });
  }
});

suite("links never lead a write out of the layer", () => {
  test("absolute names and absolute links mean the layer's own root", (t) => {
    const { root } = temporary(t);
    unpack([file("/abs"), link("l", "/d"), file("l/inside")], root);
    assert.deepEqual(list(root), ["abs", "d", "d/inside", "l"]);
  });

  test("a link that climbs stops at the layer's root", (t) => {
    const { outside, root } = temporary(t);
    unpack([link("up", "../../../.."), file("up/x/evil")], root);
    assert.deepEqual(list(root), ["up", "x", "x/evil"]);
    assert.deepEqual(readdirSync(outside).sort(), ["root", "secret"]);
  });

  test("a file in the place of a link replaces the link", (t) => {
    const { outside, root } = temporary(t);
    const toc = unpack([link("l", join(outside, "secret")), file("l", "mine")], root);
    assert.equal(readFileSync(join(outside, "secret"), "utf8"), "secret");
    assert.equal(lstatSync(join(root, "l")).isFile(), true);
    assert.deepEqual(
      toc.entries.map(({ path, type }) => [path, type]),
      [["l", "file"]],
    );
  });

  test("a hard link to a link is another link, not what it leads to", (t) => {
    const { outside, root } = temporary(t);
    unpack([link("l", join(outside, "secret")), hard("h", "l")], root);
    assert.equal(lstatSync(join(root, "h")).isSymbolicLink(), true);
  });

  test("a directory in the place of a link does not follow it", (t) => {
    const { outside, root } = temporary(t);
    unpack([link("l", outside), dir("l"), file("l/x")], root);
    assert.deepEqual(list(root), ["l", "l/x"]);
    assert.deepEqual(readdirSync(outside).sort(), ["root", "secret"]);
  });
});

suite("later members replace earlier ones", () => {
  test("a file a directory with all in it, and a directory a file", (t) => {
    const { root } = temporary(t);
    const toc = unpack([dir("a"), file("a/b/c"), file("a", "now a file"), file("d"), dir("d"), file("d/e")], root);
    assert.deepEqual(
      toc.entries.map(({ path, type }) => [path, type]),
      [
        ["a", "file"],
        ["d", "dir"],
        ["d/e", "file"],
      ],
    );
    assert.deepEqual(list(root), ["a", "d", "d/e"]);
  });

  test("a file whose other names stay", (t) => {
    const { root } = temporary(t);
    const toc = unpack([file("a", "first"), hard("b", "a"), hard("c", "b"), file("a", "second")], root);
    assert.deepEqual(
      toc.entries.map(({ path, hardlink, size }) => [path, hardlink, size]),
      [
        ["a", undefined, 6],
        ["b", undefined, 5],
        ["c", "b", 5],
      ],
    );
    assert.equal(readFileSync(join(root, "c"), "utf8"), "first");
  });
});

test("deletions become what overlayfs understands, and overlayfs' own marks do not get in", (t) => {
  const { root } = temporary(t);
  const marks = {
    "trusted.overlay.redirect": Buffer.from("/etc"),
    "user.overlay.opaque": Buffer.from("y"),
    "user.kept": Buffer.from("v"),
  };
  const toc = unpack(
    [
      file(".wh.gone"),
      [{ ...base, name: "dev-null", type: "char", devMajor: 0, devMinor: 0 }, ""],
      [{ ...base, name: "d", type: "dir", xattrs: marks }, ""],
      file("d/.wh..wh..opq"),
      file(".wh..wh.plnk/1.2"),
      file(".wh..wh.aufs"),
    ],
    root,
  );
  assert.deepEqual(toc.whiteouts, ["dev-null", "gone"]);
  assert.deepEqual(toc.opaques, ["d"]);
  const whiteout = lstatSync(join(root, "gone"));
  assert.deepEqual([whiteout.isCharacterDevice(), whiteout.rdev], [true, 0]);
  assert.deepEqual(llistxattr(join(root, "d")).sort(), ["trusted.overlay.opaque", "user.kept"]);
  assert.equal(Buffer.from(lgetxattr(join(root, "d"), "trusted.overlay.opaque")).toString(), "y");
});

test("setuid, capabilities and owner survive each other", (t) => {
  const { root } = temporary(t);
  const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
  unpack(
    [
      [
        { ...base, name: "ping", mode: 0o4755, uid: 5, gid: 6, xattrs: { "security.capability": capability }, size: 1 },
        "x",
      ],
    ],
    root,
  );
  const { mode, uid, gid } = lstatSync(join(root, "ping"));
  assert.deepEqual([mode & 0o7777, uid, gid], [0o4755, 5, 6]);
  assert.deepEqual(Buffer.from(lgetxattr(join(root, "ping"), "security.capability")), capability);
});

function unpack(members: [TarEntry, string][], root: string): LayerToc {
  const parts = members.flatMap(([entry, body]) => [
    encodeEntry(entry),
    Buffer.from(body),
    Buffer.alloc(paddingOf(body.length)),
  ]);
  const reader = new LayerReader({ writer: new TreeWriter(root) });
  const parser = new TarParser(reader);
  parser.push(Buffer.concat([...parts, endOfArchive]));
  parser.finish();
  const toc = reader.toc();
  sealDirectory(root, { toc, moves: [], links: [] });
  return toc;
}

function temporary(t: TestContext): { outside: string; root: string } {
  const outside = mkdtempSync(join(tmpdir(), "hostile-"));
  t.after(() => rmSync(outside, { recursive: true, force: true }));
  writeFileSync(join(outside, "secret"), "secret");
  mkdirSync(join(outside, "root"));
  return { outside, root: join(outside, "root") };
}

function list(root: string): string[] {
  const { entries } = scanDirectory(root, { kind: "tree", check: () => undefined });
  return entries.slice(1).map(({ path }) => path);
}
