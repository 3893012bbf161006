import assert from "node:assert/strict";
import { create, toBinary, messageJson } from "../../base/protobuf/mod.ts";
import { test } from "node:test";
import { pb } from "../../api/mod.ts";
import { diff, marshal, merge, scratch, type State } from "../../llb/mod.ts";
import { digestOf } from "../../oci/mod.ts";
import { loadDefinition } from "./mod.ts";
import { opDigest } from "./op-digest.ts";
import { opsRig } from "./testing/ops-rig.ts";
import { describeEntries, entryOf } from "./testing/trees.ts";

const file = (path: string, text: string, base: State = scratch) =>
  base.file([{ type: "mkfile", path, mode: 0o644, data: Buffer.from(text) }]);

test("an empty definition is the empty tree", async (t) => {
  const rig = await opsRig(t);
  assert.equal(loadDefinition(marshal(scratch), rig.deps).edge, undefined);
});

test("merge stacks layers, later ones on top", async (t) => {
  const rig = await opsRig(t);
  const { entries, layers } = await rig.build(merge([file("/a", "one"), file("/b", "b"), file("/a", "two")]));
  assert.deepEqual(describeEntries(entries), ['a 644 "two"', 'b 644 "b"']);
  assert.equal(layers, 3);
});

test("diff gives the layers in between, deletions included", async (t) => {
  const rig = await opsRig(t);
  const lower = rig.tree("base", { "etc/a": "a", "etc/b": "b" });
  const upper = file("/etc/c", "c", lower).file([{ type: "rm", path: "/etc/a" }]);
  const onOther = merge([rig.tree("other", { "etc/a": "other's", kept: "" }), diff(lower, upper)]);
  assert.deepEqual(describeEntries((await rig.build(onOther)).entries), ["etc/ 755", 'etc/c 644 "c"', 'kept 644 ""']);
});

test("diff of trees that do not stand on each other compares them", async (t) => {
  const rig = await opsRig(t);
  const lower = rig.tree("one", { "d/same": "same", "d/gone": "", "d/changed": "before" });
  const upper = rig.tree("two", { "d/same": "same", "d/changed": "after", "new/f": "f" });
  const onOther = merge([rig.tree("other", { "d/gone": "", "d/kept": "" }), diff(lower, upper)]);
  assert.deepEqual(describeEntries((await rig.build(onOther)).entries), [
    "d/ 755",
    'd/changed 644 "after"',
    'd/kept 644 ""',
    "new/ 755",
    'new/f 644 "f"',
  ]);
  assert.deepEqual(describeEntries((await rig.build(diff(scratch, upper))).entries).length, 5);
});

test("diff keeps the names of one file together", async (t) => {
  const rig = await opsRig(t);
  const first = entryOf("f", "text");
  const upper = rig.tree("linked", {
    f: first,
    g: { ...first, path: "g", hardlink: "f" },
    h: first.digest ? "text" : "",
  });
  const { entries } = await rig.build(diff(rig.tree("lower", { e: "" }), upper));
  assert.deepEqual(
    entries.flatMap(({ path, hardlink }) => (path === "" ? [] : [[path, hardlink]])),
    [
      ["f", undefined],
      ["g", "f"],
      ["h", undefined],
    ],
  );
});

test("a build op builds what a file says, as part of the same job", async (t) => {
  const rig = await opsRig(t);
  const inner = toBinary(pb.DefinitionSchema, marshal(file("/inner", "x")));
  const holder = marshal(scratch.file([{ type: "mkfile", path: "/def", mode: 0o644, data: inner }]));
  const head = create(pb.InputSchema, { digest: digestOf(holder.def[0] as Uint8Array), index: 0n });
  const build = toBinary(
    pb.OpSchema,
    create(pb.OpSchema, {
      inputs: [head],
      op: {
        case: "build",
        value: create(pb.BuildOpSchema, {
          builder: -1n,
          inputs: { "buildkit.llb.definition": create(pb.BuildInputSchema, { input: 0n }) },
          attrs: { "llbbuild.filename": "/def" },
        }),
      },
    }),
  );
  const terminal = toBinary(
    pb.OpSchema,
    create(pb.OpSchema, {
      inputs: [create(pb.InputSchema, { digest: digestOf(build), index: 0n })],
    }),
  );
  const definition = create(pb.DefinitionSchema, { def: [holder.def[0] as Uint8Array, build, terminal] });
  const { edge } = loadDefinition(definition, rig.deps);
  const solved: number[] = [];
  const ref = await rig.solve(edge, {
    solve: async (nested) => {
      solved.push(nested.def.length);
      return undefined;
    },
  });
  assert.equal(ref, "");
  assert.deepEqual(solved, [2]);
});

test("a source of an unknown scheme is refused when the definition is loaded", async (t) => {
  const rig = await opsRig(t);
  const definition = marshal(rig.tree("x", {}));
  assert.throws(() => loadDefinition(definition, { ...rig.deps, sources: [] }), { code: "unimplemented" });
});

test("vertices carry what their metadata says", async (t) => {
  const rig = await opsRig(t);
  const state = scratch.file([{ type: "mkdir", path: "/d", mode: 0o755 }], { name: "own name", ignoreCache: true });
  const { vertex } = loadDefinition(marshal(state), rig.deps).edge ?? {};
  assert.equal(vertex?.name, "own name");
  assert.equal(vertex?.ignoreCache, true);
});

test("limits that make no sense are refused", async (t) => {
  const rig = await opsRig(t);
  for (const [limits, message] of [
    [{ memorySwap: 1n }, /needs one of memory/],
    [{ memory: 2n, memorySwap: 1n }, /must not be below that of memory/],
    [{ memory: 2n, memorySwap: -1n, cpusetCpus: "all" }, /"all" is no list of numbers/],
  ] as const) {
    const definition = marshal(scratch.run({ args: ["x"], env: [], cwd: "/", platform: rig.deps.platform }));
    for (const metadata of Object.values(definition.metadata)) {
      metadata.linuxResources = create(pb.LinuxResourcesSchema, limits);
    }
    assert.throws(() => loadDefinition(definition, rig.deps), { code: "invalid_argument", message });
  }
});

test("op digests are of the text that Go would write", () => {
  const copy = create(pb.FileActionCopySchema, {
    src: "a&b",
    dest: "/",
    mode: -1,
    timestamp: -1n,
    includePatterns: ["<x>"],
    owner: {
      user: { user: { case: "byName", value: { name: "ada", input: 0n } } },
      group: { user: { case: "byID", value: 0 } },
    },
  });
  const text =
    '{"Type":"t","Action":{"src":"a\\u0026b","dest":"/","owner":{"user":{"User":{"byName":{"name":"ada"}}},"group":{"User":{}}},' +
    '"mode":-1,"timestamp":-1,"include_patterns":["\\u003cx\\u003e"]},"Bytes":"eA=="}';
  const got = opDigest({ Type: "t", Action: messageJson(pb.FileActionCopySchema, copy), Bytes: Buffer.from("x") });
  assert.equal(got, digestOf(text));
});
