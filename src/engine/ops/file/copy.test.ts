import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Pace } from "../../../base/async/mod.ts";
import { describePlan, entryOf, type Spec, testTime, treeOf } from "../testing/trees.ts";
import { copyPath, type CopyOptions } from "./copy.ts";
import { Draft } from "./draft.ts";
import { fixedMode, parseModeChange } from "./mode.ts";
import { CopyFilter } from "./selection.ts";

const now = { mtimeSec: 5_000, mtimeNsec: 0 };

const plain: CopyOptions = {
  filter: new CopyFilter([], []),
  followLinks: false,
  contentsOnly: false,
  replace: false,
  owner: undefined,
  mode: undefined,
  parentMode: 0o755,
  time: undefined,
  now,
  originOf: () => undefined,
  pace: new Pace(new AbortController().signal),
};

const source = treeOf({
  file: "text",
  "dir/": { mode: 0o750 },
  "dir/x": "x",
  "dir/sub/y": { mode: 0o755, uid: 5, gid: 6 },
  link: "-> file",
  linkdir: "-> dir",
});

interface Case {
  readonly name: string;
  readonly into?: Readonly<Record<string, Spec>>;
  readonly src: string;
  readonly dest: string;
  readonly options?: Partial<CopyOptions>;
  readonly want: readonly string[] | RegExp;
  readonly from?: typeof source;
}

const y = 'dir/sub/y 755 5:6 "dir/sub/y"';

const cases: readonly Case[] = [
  { name: "a file to a new path", src: "/file", dest: "/new", want: ['new 644 "text"'] },
  {
    name: "a file into an existing directory",
    into: { "d/": "" },
    src: "/file",
    dest: "/d",
    want: ["d/ 755", 'd/file 644 "text"'],
  },
  {
    name: "a file into a directory that the slash says",
    src: "/file",
    dest: "/d/",
    want: ["d/ 755", 'd/file 644 "text"'],
  },
  {
    name: "a file into a directory, said with a dot",
    src: "/file",
    dest: "/d/.",
    want: ["d/ 755", 'd/file 644 "text"'],
  },
  {
    name: "missing directories on the way",
    src: "/file",
    dest: "/a/b/c",
    want: ["a/ 755", "a/b/ 755", 'a/b/c 644 "text"'],
  },
  { name: "a file over a file", into: { new: { mode: 0o600 } }, src: "/file", dest: "/new", want: ['new 644 "text"'] },
  {
    name: "a file over a file in a directory",
    into: { "d/file": "" },
    src: "/file",
    dest: "/d",
    want: ["d/ 755", 'd/file 644 "text"'],
  },
  {
    name: "a file over a directory of its name",
    into: { "d/file/": "" },
    src: "/file",
    dest: "/d",
    want: /^cannot replace to directory \/d\/file with file$/,
  },
  {
    name: "a file over a directory of its name, replacing",
    into: { "d/file/x": "" },
    src: "/file",
    dest: "/d",
    options: { replace: true },
    want: ["d/ 755", 'd/file 644 "text"'],
  },
  {
    name: "a directory to a new path becomes it",
    src: "/dir",
    dest: "/new",
    want: ["new/ 750", "new/sub/ 755", 'new/sub/y 755 5:6 "dir/sub/y"', 'new/x 644 "x"'],
  },
  {
    name: "a directory into an existing one",
    into: { "d/": "" },
    src: "/dir",
    dest: "/d",
    want: ["d/ 755", "d/dir/ 750", "d/dir/sub/ 755", `d/${y}`, 'd/dir/x 644 "x"'],
  },
  {
    name: "the contents of a directory into an existing one, which keeps its mode",
    into: { "d/": { mode: 0o700 } },
    src: "/dir",
    dest: "/d",
    options: { contentsOnly: true },
    want: ["d/ 700", "d/sub/ 755", 'd/sub/y 755 5:6 "dir/sub/y"', 'd/x 644 "x"'],
  },
  {
    name: "the contents of a directory to a new path",
    src: "/dir",
    dest: "/d",
    options: { contentsOnly: true, owner: { uid: 9, gid: 9 } },
    want: ["d/ 755 9:9", "d/sub/ 755 9:9", 'd/sub/y 755 9:9 "dir/sub/y"', 'd/x 644 9:9 "x"'],
  },
  {
    name: "a nested directory that exists gets the source's mode and owner",
    into: { "d/sub/": { mode: 0o700, uid: 3 }, "d/sub/kept": "kept" },
    src: "/dir",
    dest: "/d",
    options: { contentsOnly: true },
    want: ["d/ 755", "d/sub/ 755", 'd/sub/y 755 5:6 "dir/sub/y"', 'd/x 644 "x"'],
  },
  {
    name: "a directory over a file",
    into: { d: "file" },
    src: "/dir",
    dest: "/d",
    options: { contentsOnly: true },
    want: /^mkdir \/d: not a directory$|^cannot copy to non-directory: \/d$/,
  },
  {
    name: "a directory where a nested file is",
    into: { "d/sub": "file" },
    src: "/dir",
    dest: "/d",
    options: { contentsOnly: true },
    want: /^cannot copy to non-directory: \/d\/sub$/,
  },
  {
    name: "a directory where a nested file is, replacing",
    into: { "d/sub": "file" },
    src: "/dir",
    dest: "/d",
    options: { contentsOnly: true, replace: true },
    want: ["d/ 755", "d/sub/ 755", 'd/sub/y 755 5:6 "dir/sub/y"', 'd/x 644 "x"'],
  },
  { name: "a link as a link", src: "/link", dest: "/new", want: ["new 777 -> file"] },
  {
    name: "what a link leads to",
    src: "/link",
    dest: "/new",
    options: { followLinks: true },
    want: ['new 644 "text"'],
  },
  {
    name: "what a link leads to, by the link's name",
    into: { "d/": "" },
    src: "/link",
    dest: "/d",
    options: { followLinks: true },
    want: ["d/ 755", 'd/link 644 "text"'],
  },
  { name: "a path through a link of the source", src: "/linkdir/x", dest: "/new", want: ['new 644 "x"'] },
  {
    name: "a path through a link of the destination",
    into: { "real/": { mode: 0o711 }, d: "-> real" },
    src: "/file",
    dest: "/d/f",
    want: ["real/ 711", 'real/f 644 "text"'],
  },
  {
    name: "into a directory that a link leads to",
    into: { "real/": "", d: "-> /real" },
    src: "/file",
    dest: "/d",
    want: ["real/ 755", 'real/file 644 "text"'],
  },
  {
    name: "a link of that name in the directory is replaced",
    into: { "d/file": "-> /elsewhere" },
    src: "/file",
    dest: "/d/",
    want: ["d/ 755", 'd/file 644 "text"'],
  },
  {
    name: "another owner, for parents as well",
    src: "/file",
    dest: "/a/f",
    options: { owner: { uid: 1, gid: 2 } },
    want: ["a/ 755 1:2", 'a/f 644 1:2 "text"'],
  },
  {
    name: "another mode, links excepted",
    src: "/",
    dest: "/",
    options: { mode: fixedMode(0o4711), contentsOnly: true },
    want: [
      "dir/ 4711",
      "dir/sub/ 4711",
      'dir/sub/y 4711 5:6 "dir/sub/y"',
      'dir/x 4711 "x"',
      'file 4711 "text"',
      "link 777 -> file",
      "linkdir 777 -> dir",
    ],
  },
  {
    name: "a mode by letters",
    src: "/dir",
    dest: "/d",
    options: { mode: parseModeChange("go=") },
    want: ["d/ 700", "d/sub/ 700", 'd/sub/y 700 5:6 "dir/sub/y"', 'd/x 600 "x"'],
  },
  {
    name: "only what is included, with the directories on the way",
    src: "/",
    dest: "/",
    options: { contentsOnly: true, filter: new CopyFilter(["dir/sub/y"], []) },
    want: ["dir/ 750", "dir/sub/ 755", y],
  },
  {
    name: "nothing that is excluded",
    src: "/",
    dest: "/",
    options: { contentsOnly: true, filter: new CopyFilter([], ["dir", "link*"]) },
    want: ['file 644 "text"'],
  },
  {
    name: "exceptions of what is excluded",
    src: "/",
    dest: "/",
    options: { contentsOnly: true, filter: new CopyFilter([], ["dir", "link*", "!dir/sub"]) },
    want: ["dir/ 750", "dir/sub/ 755", y, 'file 644 "text"'],
  },
  { name: "a missing source", src: "/none", dest: "/", want: /^lstat \/none: no such file or directory$/ },
  {
    name: "a way through a file",
    into: { f: "" },
    src: "/file",
    dest: "/f/g",
    want: /^mkdir \/f: not a directory$|^lstat \/f\/g: not a directory$/,
  },
  {
    name: "devices and pipes as they are",
    from: treeOf({ "dev/null": { type: "char", devMajor: 1, devMinor: 3, mode: 0o666 }, "dev/pipe": { type: "fifo" } }),
    src: "/dev",
    dest: "/dev",
    want: ["dev/ 755", "dev/null 666 char", "dev/pipe 644 fifo"],
  },
  {
    name: "a socket as an empty file",
    from: treeOf({ sock: { type: "socket" } }),
    src: "/sock",
    dest: "/s",
    want: ['s 644 ""'],
  },
  {
    name: "files with several names as one file",
    from: treeOf({ a: "same", b: { ...entryOf("a", "same"), path: "b", hardlink: "a" }, c: "same" }),
    src: "/",
    dest: "/d",
    options: { contentsOnly: true },
    want: ["d/ 755", 'd/a 644 "same"', "d/b 644 = d/a", 'd/c 644 "same"'],
  },
];

describe("copyPath() copies", () => {
  for (const { name, into = {}, src, dest, options = {}, want, from = source } of cases) {
    test(name, async () => {
      const draft = new Draft(treeOf(into));
      const copying = copyPath(draft, from, src, dest, { ...plain, ...options });
      if (want instanceof RegExp) return await assert.rejects(copying, { message: want });
      await copying;
      assert.deepEqual(describePlan(draft.plan()), want);
    });
  }
});

test("times: the source's for what is copied, now for directories on the way, one for all when given", async () => {
  const times = async (options: Partial<CopyOptions>, into: Readonly<Record<string, Spec>> = {}) => {
    const draft = new Draft(treeOf(into));
    await copyPath(draft, treeOf({ "dir/": { mtimeSec: 1 }, "dir/x": { mtimeSec: 2 } }), "/dir", "/a/b", {
      ...plain,
      ...options,
    });
    return draft.plan().entries.map(({ path, mtimeSec }) => `${path} ${mtimeSec}`);
  };
  assert.deepEqual(await times({}), ["a 5000", "a/b 1", "a/b/x 2"]);
  assert.deepEqual(await times({ contentsOnly: true }, { "a/b/": "" }), [`a ${testTime.mtimeSec}`, "a/b 1", "a/b/x 2"]);
  assert.deepEqual(await times({ time: { mtimeSec: 9, mtimeNsec: 0 } }), ["a 9", "a/b 9", "a/b/x 9"]);
});
