import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "../base/protobuf/mod.ts";
import { pb } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import { digestOf, parsePlatform } from "../oci/mod.ts";
import {
  decodeDefinition,
  deferredState,
  diff,
  image,
  local,
  marshal,
  merge,
  parseChown,
  scratch,
  type State,
  vertexDigest,
} from "./mod.ts";

const platform = parsePlatform("linux/arm64");
const run = (state: State, ...args: string[]) =>
  state.run({ args, env: ["A=1"], cwd: "/", platform }, { name: `RUN ${args.join(" ")}` });
const base = image("docker.io/library/a:1", { platform });

test("marshal() writes children first and a terminal that names the result", () => {
  const definition = marshal(run(base, "true"));
  assert.equal(definition.def.length, 3);
  const graph = decodeDefinition(definition);
  const names = [...graph.ops.values()].map((op) => op.name);
  assert.deepEqual(names, ["docker-image://docker.io/library/a:1", "RUN true"]);
  assert.equal(graph.result?.index, 0);
  assert.equal([...graph.ops.keys()].at(-1), graph.result.digest);
  assert.deepEqual([...graph.ops.values()][1]?.platform, platform);
});

test("marshal() gives the same bytes for the same graph, names and places apart", () => {
  const bytes = (state: State) => marshal(state).def;
  assert.deepEqual(
    bytes(run(base, "x")),
    bytes(run(image("docker.io/library/a:1", { platform }, { name: "other" }), "x")),
  );
  assert.notDeepEqual(bytes(run(base, "x")), bytes(run(base, "y")));
});

test("every op carries constraints, file ops no platform", () => {
  const graph = decodeDefinition(marshal(base.file([{ type: "mkdir", path: "/d", mode: 0o755 }])));
  for (const op of graph.ops.values()) assert.deepEqual(op.op.constraints?.filter, []);
  assert.deepEqual(
    [...graph.ops.values()].map((op) => op.platform),
    [platform, undefined],
  );
});

test("scratch is a definition without entries", () => {
  assert.equal(marshal(scratch).def.length, 0);
  assert.deepEqual(decodeDefinition(marshal(scratch)), { ops: new Map(), result: undefined });
  assert.equal(vertexDigest(scratch), undefined);
});

test("file actions share one vertex; inputs that are the same get one number", () => {
  const context = local("context", { excludePatterns: ["x"] });
  const state = base.file([
    { type: "copy", from: context, source: "/a", destination: "/", mode: 0o644, chown: parseChown("root:adm") },
    { type: "copy", from: context, source: "/b", destination: "/" },
    { type: "copy", from: scratch, source: "/c", destination: "/" },
  ]);
  const op = [...decodeDefinition(marshal(state)).ops.values()].at(-1)?.op;
  assert.ok(op?.op.case === "file");
  assert.equal(op.inputs.length, 2);
  assert.deepEqual(
    op.op.value.actions.map((action) => [action.input, action.secondaryInput, action.output]),
    [
      [0n, 1n, -1n],
      [2n, 1n, -1n],
      [3n, -1n, 0n],
    ],
  );
  const [first] = op.op.value.actions;
  assert.ok(first?.action.case === "copy");
  assert.deepEqual(first.action.value.owner?.user?.user, { case: "byID", value: 0 });
  assert.equal(first.action.value.owner.group?.user.case, "byName");
});

test("mounts are sorted by target and only the root has an output", () => {
  const state = base.run({
    args: ["x"],
    env: [],
    cwd: "/",
    platform,
    mounts: [
      { type: "tmpfs", target: "/z" },
      { type: "cache", target: "/c", id: "/c", sharing: "locked", from: scratch, readonly: false },
      { type: "bind", target: "/b", from: base, selector: "/s", readonly: true },
    ],
  });
  const op = [...decodeDefinition(marshal(state)).ops.values()].at(-1)?.op;
  assert.ok(op?.op.case === "exec");
  assert.equal(op.inputs.length, 1);
  assert.deepEqual(
    op.op.value.mounts.map((mount) => [mount.dest, mount.input, mount.output]),
    [
      ["/", 0n, 0n],
      ["/b", 0n, -1n],
      ["/c", -1n, -1n],
      ["/z", -1n, -1n],
    ],
  );
});

test("a deferred state is decided when the graph is written", () => {
  let paths: string[] = [];
  const context = deferredState(() => local("context", { followPaths: paths }));
  const state = base.file([{ type: "copy", from: context, source: "/a", destination: "/" }]);
  paths = ["a"];
  const source = [...decodeDefinition(marshal(state)).ops.values()].find((op) => op.name === "local://context");
  assert.ok(source?.op.op.case === "source");
  assert.equal(source.op.op.value.attrs["local.followpaths"], '["a"]');
});

test("places come back from the definition", () => {
  const text = "FROM a\nRUN x \\\n y\n";
  const file = { filename: "Dockerfile", bytes: new TextEncoder().encode(text), language: "Dockerfile" };
  const range = { filename: "Dockerfile", start: { line: 2, character: 0 }, end: { line: 3, character: 0 }, text };
  const places = [range.start, range.end].map((position) => ({ ...range, start: position, end: position }));
  const lines = places.map((place) => ({ ...place, language: "Dockerfile" }));
  const state = base.run({ args: ["x"], env: [], cwd: "/", platform }, { location: { file, range } });
  const definition = marshal(state);
  assert.deepEqual([...decodeDefinition(definition).ops.values()].at(-1)?.locations, lines);
  const digest = vertexDigest(state) ?? "";
  assert.equal(definition.Source?.locations[digest]?.locations[0]?.ranges.length, 2, "one range per line on the wire");
});

test("ops without a name are named after what they do", () => {
  const made = base.file([
    { type: "mkdir", path: "/d", mode: 0o755 },
    { type: "symlink", target: "a", path: "/l" },
  ]);
  const nameOf = (state: State) => [...decodeDefinition(marshal(state)).ops.values()].at(-1)?.name;
  assert.equal(nameOf(made), "mkdir /d, symlink /l -> a");
  assert.equal(nameOf(merge([base, made])), "merge (docker-image://docker.io/library/a:1, mkdir /d, symlink /l -> a)");
  assert.equal(nameOf(diff(scratch, base)), "diff scratch -> (docker-image://docker.io/library/a:1)");
});

test("names of merges do not grow with what they stand on", () => {
  let state: State = merge([run(base, "one"), run(base, "two")]);
  for (let step = 0; step < 100; step++) state = merge([state, run(base, String(step)), state]);
  const names = [...decodeDefinition(marshal(state)).ops.values()].map(({ name }) => name);
  assert.ok(Math.max(...names.map(({ length }) => length)) < 1000);
});

test("a graph of 20,000 steps needs no deep stack", () => {
  let state: State = base;
  for (let step = 0; step < 20_000; step++) state = run(state, String(step));
  assert.equal(decodeDefinition(marshal(state)).ops.size, 20_001);
});

/** A definition of one op (and what it may read), written by hand. */
function definitionOf(op: pb.Op, ...others: pb.Op[]): pb.Definition {
  const bytes = [...others, op].map((each) => toBinary(pb.OpSchema, each));
  const head = digestOf(bytes.at(-1) as Uint8Array);
  return create(pb.DefinitionSchema, {
    def: [...bytes, toBinary(pb.OpSchema, create(pb.OpSchema, { inputs: [{ digest: head }] }))],
  });
}

/** An action whose owner is looked up in an input. */
function ownedBy(input: bigint): pb.FileAction {
  const user = create(pb.UserOptSchema, {
    user: { case: "byName", value: create(pb.NamedUserOptSchema, { name: "a", input }) },
  });
  const mkdir = create(pb.FileActionMkDirSchema, { path: "/d", owner: create(pb.ChownOptSchema, { user }) });
  return create(pb.FileActionSchema, { input: -1n, secondaryInput: -1n, action: { case: "mkdir", value: mkdir } });
}

test("graphs that an engine cannot run are refused when they are loaded", () => {
  const exec = (init: Parameters<typeof create<typeof pb.ExecOpSchema>>[1]) =>
    create(pb.OpSchema, { op: { case: "exec", value: create(pb.ExecOpSchema, init) } });
  const file = create(pb.OpSchema, {
    op: { case: "file", value: create(pb.FileOpSchema, { actions: [ownedBy(-1n)] }) },
  });
  const manyOf = (op: pb.Op) =>
    Array.from({ length: 10_001 }, () => ({ digest: digestOf(toBinary(pb.OpSchema, op)), index: 0n }));
  const table: [definition: pb.Definition, message: RegExp][] = [
    [definitionOf(exec({})), /invalid exec op with no meta/],
    [definitionOf(exec({ meta: {} })), /no args/],
    [definitionOf(exec({ meta: { args: ["a"] } })), /no mounts/],
    [definitionOf(exec({ meta: { args: ["a"] }, mounts: [{ dest: "/x", input: -1n }] })), /no rootfs/],
    [
      definitionOf(exec({ meta: { args: ["a"] }, mounts: [{ dest: "/", input: 0n }] })),
      /invalid exec mount input index 0/,
    ],
    [definitionOf(create(pb.OpSchema, { op: { case: "file", value: create(pb.FileOpSchema) } })), /no actions/],
    [
      definitionOf(
        create(pb.OpSchema, {
          op: { case: "file", value: create(pb.FileOpSchema, { actions: [ownedBy(7n)] }) },
        }),
      ),
      /invalid file owner input index 7/,
    ],
    [definitionOf(create(pb.OpSchema, { op: { case: "diff", value: create(pb.DiffOpSchema) } })), /nil lower or upper/],
    [
      definitionOf(
        create(pb.OpSchema, { inputs: [{ digest: digestOf("x") }], op: { case: "build", value: {} } } as never),
      ),
      /missing input digest sha256:/,
    ],
    [definitionOf(create(pb.OpSchema, { inputs: manyOf(file) }), file), /has more than 10000 inputs/],
    [definitionOf(create(pb.OpSchema)), /known arm/],
    [create(pb.DefinitionSchema, { def: [new Uint8Array([0xff])] }), /failed to parse/],
    [create(pb.DefinitionSchema, { def: [toBinary(pb.OpSchema, create(pb.OpSchema))] }), /must end in/],
  ];
  for (const [definition, message] of table) {
    assert.throws(
      () => decodeDefinition(definition),
      (error) => error instanceof BuildError && message.test(error.message),
      String(message),
    );
  }
  const definition = marshal(base);
  (Object.values(definition.metadata)[0] as pb.OpMetadata).caps["source.moon"] = true;
  assert.throws(() => decodeDefinition(definition), {
    message: "unknown API capability source.moon",
    code: "unimplemented",
  });
});
