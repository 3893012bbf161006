import assert from "node:assert/strict";
import { create, type MessageInitShape } from "../../../base/protobuf/mod.ts";
import { describe, test } from "node:test";
import { pb } from "../../../api/mod.ts";
import { describePlan, type Spec, treeOf } from "../testing/trees.ts";
import { Draft } from "./draft.ts";
import { type ActionOptions, mkdir, mkfile, rm, symlink } from "./simple-actions.ts";

const options: ActionOptions = { owner: undefined, now: new Date(5_000_000) };

type Want = readonly string[] | RegExp;

function check(into: Readonly<Record<string, Spec>>, act: (draft: Draft) => void, want: Want, message: string): void {
  const draft = new Draft(treeOf(into));
  if (want instanceof RegExp) return assert.throws(() => act(draft), { message: want }, message);
  act(draft);
  assert.deepEqual(describePlan(draft.plan()), want, message);
}

describe("mkdir", () => {
  const table: [Readonly<Record<string, Spec>>, MessageInitShape<typeof pb.FileActionMkDirSchema>, Want][] = [
    [{}, { path: "/a", mode: 0o700 }, ["a/ 700"]],
    [{}, { path: "/a", mode: 0o7755 }, ["a/ 755"]],
    [{}, { path: "/a/b", mode: 0o700 }, /^mkdir \/a\/b: no such file or directory$/],
    [{}, { path: "/a/b", mode: 0o700, makeParents: true }, ["a/ 700", "a/b/ 700"]],
    [{ "a/": { mode: 0o711 } }, { path: "/a", mode: 0o700 }, []],
    [{ "a/": "" }, { path: "/a", mode: 0o700, makeParents: true }, []],
    [{ a: "file" }, { path: "/a", mode: 0o700 }, []],
    [{ a: "file" }, { path: "/a", mode: 0o700, makeParents: true }, /^mkdir \/a: not a directory$/],
    [{ "real/": "", link: "-> /real" }, { path: "/link/x", mode: 0o755 }, ["real/ 755", "real/x/ 755"]],
    [{}, { path: "/", mode: 0o755, makeParents: true }, []],
  ];
  for (const [into, action, want] of table) {
    test(`${action.path} with ${Object.keys(into).join(" ") || "nothing"}${action.makeParents ? ", parents too" : ""}`, () => {
      const message = create(pb.FileActionMkDirSchema, { timestamp: -1n, ...action });
      check(into, (draft) => mkdir(draft, message, options), want, String(action.path));
    });
  }
});

test("mkfile writes through links, and keeps mode and owner of what is there", () => {
  const data = Buffer.from("new");
  const table: [Readonly<Record<string, Spec>>, string, Want][] = [
    [{}, "/f", ['f 640 "new"']],
    [{ f: { mode: 0o755, uid: 3, gid: 4 } }, "/f", ['f 755 3:4 "new"']],
    [{ "d/f": "old", link: "-> d/f" }, "/link", ["d/ 755", 'd/f 644 "new"']],
    [{}, "/no/f", /^open \/no\/f: no such file or directory$/],
    [{ "d/": "" }, "/d", /^open \/d: is a directory$/],
  ];
  for (const [into, path, want] of table) {
    const message = create(pb.FileActionMkFileSchema, { path, data, mode: 0o640, timestamp: -1n });
    check(into, (draft) => mkfile(draft, message, options), want, path);
  }
  const message = create(pb.FileActionMkFileSchema, { path: "/f", data, mode: 0o640, timestamp: -1n });
  const given = { ...options, owner: { uid: 5, gid: 6 } };
  check({ f: { mode: 0o6755 } }, (draft) => mkfile(draft, message, given), ['f 755 5:6 "new"'], "given away");
  check(
    { f: { mode: 0o6745 } },
    (draft) => mkfile(draft, message, given),
    ['f 2745 5:6 "new"'],
    "no program of its group",
  );
});

test("symlink keeps its target as it is written, and replaces nothing", () => {
  const table: [Readonly<Record<string, Spec>>, string, Want][] = [
    [{}, "/l", ["l 777 -> ../x/"]],
    [{ l: "file" }, "/l", /^symlink \.\.\/x\/ \/l: file exists$/],
    [{}, "/no/l", /^symlink \.\.\/x\/ \/no\/l: no such file or directory$/],
  ];
  for (const [into, newpath, want] of table) {
    const message = create(pb.FileActionSymlinkSchema, { oldpath: "../x/", newpath, timestamp: -1n });
    check(into, (draft) => symlink(draft, message, options), want, newpath);
  }
});

test("rm removes what it names, and never what a link leads to", () => {
  const into = { "d/x": "", "d/y": "", link: "-> d", dangling: "-> none", "logs/a.log": "", "logs/b.txt": "" };
  const table: [MessageInitShape<typeof pb.FileActionRmSchema>, Want][] = [
    [{ path: "/d" }, ["- d"]],
    [{ path: "/link" }, ["- link"]],
    [{ path: "/link/x" }, ["d/ 755", "- d/x"]],
    [{ path: "/none" }, /^stat \/none: no such file or directory$/],
    [{ path: "/dangling" }, /^stat \/dangling: no such file or directory$/],
    [{ path: "/none", allowNotFound: true }, []],
    [{ path: "/logs/*.log", allowWildcard: true }, ["logs/ 755", "- logs/a.log"]],
    [{ path: "/logs/*.none", allowWildcard: true }, []],
    [{ path: "/logs/[", allowWildcard: true }, []],
    [{ path: "/d/x/y", allowNotFound: true }, /^unlinkat \/d\/x\/y: not a directory$/],
    [{ path: "/d/x/y" }, /^stat \/d\/x\/y: not a directory$/],
    [{ path: "/" }, /^rmPath: invalid empty path$/],
  ];
  for (const [action, want] of table) {
    const message = create(pb.FileActionRmSchema, action);
    check(into, (draft) => rm(draft, message), want, String(action.path));
  }
});

test("times: now, or what is asked for, to the nanosecond", () => {
  const draft = new Draft(treeOf());
  mkdir(draft, create(pb.FileActionMkDirSchema, { path: "/now", mode: 0o755, timestamp: -1n }), options);
  mkdir(draft, create(pb.FileActionMkDirSchema, { path: "/then", mode: 0o755, timestamp: 1_500_000_007n }), options);
  const time = (path: string) => [draft.get(path)?.mtimeSec, draft.get(path)?.mtimeNsec];
  assert.deepEqual(time("now"), [5_000, 0]);
  assert.deepEqual(time("then"), [1, 500_000_007]);
});
