import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "../../../oci/mod.ts";
import { type CopyAction, parseChown, scratch } from "../../../llb/mod.ts";
import { packLayer } from "../../snapshots/mod.ts";
import { opsRig } from "../testing/ops-rig.ts";
import { describeEntries, layerOf, type Spec } from "../testing/trees.ts";

const names = (events: readonly { type: string }[]) =>
  events.flatMap((event) =>
    "vertex" in event && typeof event.vertex === "object" && event.vertex !== null
      ? [event.vertex as { name: string; cached: boolean; completed?: Date }]
      : [],
  );

test("a chain of actions makes one layer on its base", async (t) => {
  const rig = await opsRig(t);
  const base = rig.tree("base", { "etc/passwd": "root:x:0:0::/:\nada:x:1000:100::/:\n", "etc/group": "users:x:7:\n" });
  const context = rig.tree("context", { "src/a.c": "int a;", "src/b.c": "int b;" });
  const state = base.file([
    { type: "mkdir", path: "/app/lib", mode: 0o755, makeParents: true },
    {
      type: "copy",
      from: context,
      source: "/src/*.c",
      destination: "/app/",
      allowWildcard: true,
      chown: parseChown("ada"),
    },
    { type: "mkfile", path: "/app/note", mode: 0o600, data: Buffer.from("hello"), chown: parseChown("ada:users") },
    { type: "symlink", target: "../etc", path: "/app/etc" },
    { type: "rm", path: "/etc/group" },
  ]);
  const { entries, layers } = await rig.build(state);
  assert.equal(layers, 2);
  assert.deepEqual(describeEntries(entries), [
    "app/ 755",
    'app/a.c 644 1000:100 "int a;"',
    'app/b.c 644 1000:100 "int b;"',
    "app/etc 777 -> ../etc",
    "app/lib/ 755",
    'app/note 600 1000:7 "hello"',
    "etc/ 755",
    'etc/passwd 644 "root:x:0:0::/:\nada:x:1000:100::/:\n"',
  ]);
});

test("copies out of the results of other actions and of other file ops", async (t) => {
  const rig = await opsRig(t);
  const made = scratch.file([{ type: "mkfile", path: "/f", mode: 0o644, data: Buffer.from("text") }]);
  const { entries } = await rig.build(
    scratch.file([
      { type: "copy", from: made, source: "/f", destination: "/d/g", createDestPath: true, mode: "u=rw,go=" },
    ]),
  );
  assert.deepEqual(describeEntries(entries), ["d/ 755", 'd/g 600 "text"']);
});

test("the same files make the same layer, and no second run, whoever sends them", async (t) => {
  const rig = await opsRig(t);
  const build = (session: string, file: Spec) =>
    rig.build(
      rig.tree("base", { base: "" }).file([
        {
          type: "copy",
          from: rig.tree(session, { "x/file": file, "x/ignored": session }, { volatile: true }),
          source: "/x/file",
          destination: "/",
        },
      ]),
    );
  const ran = ({ events }: { events: readonly { type: string }[] }) =>
    names(events).some(({ name, cached, completed }) => name.startsWith("copy") && completed && !cached);
  assert.ok(ran(await build("first", "one")));
  assert.ok(!ran(await build("second", "one")));
  assert.ok(ran(await build("third", "two")));
});

test("a missing source fails while the key is worked out, with the words people search for", async (t) => {
  const rig = await opsRig(t);
  const context = rig.tree("context", { a: "" }, { volatile: true });
  await assert.rejects(rig.build(scratch.file([{ type: "copy", from: context, source: "/none", destination: "/" }])), {
    code: "not_found",
    message: /^failed to compute cache key: failed to calculate checksum of ref \S+: "\/none": not found$/,
  });
});

test("an empty wildcard fails, unless it may be empty", async (t) => {
  const rig = await opsRig(t);
  const context = rig.tree("context", { a: "" });
  const copy = (allowEmptyWildcard: boolean) =>
    scratch.file([
      { type: "copy", from: context, source: "/*.none", destination: "/", allowWildcard: true, allowEmptyWildcard },
    ]);
  await assert.rejects(rig.build(copy(false)), /\/\*\.none not found/);
  assert.deepEqual(describeEntries((await rig.build(copy(true))).entries), []);
});

test("without createDestPath the destination's directory must exist", async (t) => {
  const rig = await opsRig(t);
  const context = rig.tree("context", { a: "" });
  const copy = (createDestPath: boolean) =>
    scratch.file([{ type: "copy", from: context, source: "/a", destination: "/x/y", createDestPath }]);
  await assert.rejects(
    rig.build(copy(false)),
    /^BuildError: failed to stat \/x\/y: lstat \/x: no such file or directory/,
  );
  assert.deepEqual(describeEntries((await rig.build(copy(true))).entries), ["x/ 755", 'x/y 644 ""']);
});

const archived = layerOf({
  "bin/": { mode: 0o711 },
  "bin/tool": "tool",
  "bin/tool2": { hardlink: "bin/tool", size: 4, digest: digestOf("tool") },
  link: "-> bin/tool",
  ".wh.name": "no whiteout here",
  owned: { uid: 5, gid: 6 },
});
const tar = Buffer.concat([...packLayer(archived, () => Buffer.alloc(8192), { check: () => undefined })]);
const unpacked = [
  "d/ 755",
  'd/.wh.name 644 "no whiteout here"',
  "d/bin/ 711",
  'd/bin/tool 644 "tool"',
  "d/bin/tool2 644 = d/bin/tool",
  "d/link 777 -> bin/tool",
  'd/owned 644 5:6 "owned"',
];

const packings: readonly [string, (data: Buffer) => Buffer | undefined][] = [
  ["plain", (data) => data],
  ["gzip", (data) => gzipSync(data)],
  ["zstd", (data) => zstdCompressSync(data)],
  ["xz", (data) => packWith("xz", data)],
  ["bzip2", (data) => packWith("bzip2", data)],
];

for (const [name, pack] of packings) {
  const packed = pack(tar);
  test(`an archive in ${name} is unpacked`, { skip: packed ? false : `${name} is not installed` }, async (t) => {
    const rig = await opsRig(t);
    const context = rig.tree("context", { "a.tar": fileOf(packed ?? tar) });
    const { entries } = await rig.build(scratch.file([{ ...add(context), destination: "/d/" }]));
    assert.deepEqual(describeEntries(entries), unpacked);
    const all = await rig.build(
      scratch.file([{ ...add(context), destination: "/d/", chown: { user: { id: 3 }, group: { id: 4 } } }]),
    );
    assert.ok(all.entries.every(({ uid, gid, path }) => path === "" || (uid === 3 && gid === 4)));
  });
}

test("what is no archive is copied, compressed or not", async (t) => {
  const rig = await opsRig(t);
  for (const data of [Buffer.alloc(2000, "x"), gzipSync("just text"), Buffer.from("BZh91AY"), Buffer.alloc(0)]) {
    const context = rig.tree(digestOf(data), { "a.tar": fileOf(data) });
    const { entries } = await rig.build(scratch.file([{ ...add(context), destination: "/d/" }]));
    assert.deepEqual(entries.map(({ path, size }) => [path, size]).slice(-1), [["d/a.tar", data.length]]);
  }
});

test("an archive cannot leave the directory that it is unpacked into", async (t) => {
  const rig = await opsRig(t);
  const evil = layerOf({ up: "-> ../../..", abs: "-> /etc" });
  const inside = layerOf({ "up/a": "a", "abs/b": "b" });
  const toTar = (layer: typeof evil) =>
    fileOf(Buffer.concat([...packLayer(layer, () => Buffer.alloc(8192), { check: () => undefined })]));
  const context = rig.tree("context", { "1.tar": toTar(evil), "2.tar": toTar(inside) });
  const base = rig.tree("base", { "etc/": { mode: 0o700 }, "d/": "" });
  const { entries } = await rig.build(
    base.file([
      { ...add(context), source: "/1.tar", destination: "/d/e/" },
      { ...add(context), source: "/2.tar", destination: "/d/e/" },
    ]),
  );
  const outside = entries.filter(({ path }) => path !== "d" && !path.startsWith("d/e")).map(({ path }) => path);
  assert.deepEqual(outside, ["", "etc"]);
});

function add(from: CopyAction["from"]): CopyAction {
  return { type: "copy", from, source: "/a.tar", destination: "/", createDestPath: true, attemptUnpack: true };
}

function fileOf(data: Buffer): Spec {
  return { size: data.length, digest: digestOf(data), content: { kind: "bytes", data } };
}

function packWith(program: string, data: Buffer): Buffer | undefined {
  const { status, stdout } = spawnSync(program, ["-c"], { input: data });
  return status === 0 ? Buffer.from(stdout) : undefined;
}
