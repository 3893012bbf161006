/** Ops of graphs, as clients write them that are not ours. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pb } from "../../src/api/mod.ts";
import { create, toBinary } from "../../src/base/protobuf/mod.ts";
import { diff, image, marshal, merge, scratch, type State } from "../../src/llb/mod.ts";
import { digestOf, formatPlatform, parsePlatform } from "../../src/oci/mod.ts";
import { openHouse } from "./harness.ts";
import { openRawClient } from "./raw-client.ts";

const house = await openHouse();
const raw = await openRawClient(house);
const [native] = (await raw.client.listWorkers())[0]?.platforms ?? [];
const platform = parsePlatform(`linux/${native?.Architecture ?? "amd64"}`);
const base = image(house.base, { platform });
const run = (on: State, script: string) =>
  on.run({ args: ["sh", "-ec", script], env: ["PATH=/bin"], cwd: "/", platform });

type Exec = Parameters<typeof create<typeof pb.ExecOpSchema>>[1];

/** A definition that ends in one exec op on the base image, whose input it mounts as it likes. */
function execOn(exec: Exec, index = 0n): pb.Definition {
  const { def, metadata } = marshal(base);
  const head = def[0] as Uint8Array;
  const input = create(pb.InputSchema, { digest: digestOf(head), index: 0n });
  const [OS = "", Architecture = "", Variant = ""] = formatPlatform(platform).split("/");
  const op = toBinary(
    pb.OpSchema,
    create(pb.OpSchema, {
      inputs: [input],
      platform: { OS, Architecture, Variant },
      op: { case: "exec", value: create(pb.ExecOpSchema, exec) },
    }),
  );
  const end = create(pb.OpSchema, { inputs: [{ digest: digestOf(op), index }] });
  return create(pb.DefinitionSchema, { def: [head, op, toBinary(pb.OpSchema, end)], metadata });
}

const meta = (script: string) => ({ args: ["sh", "-ec", script], env: ["PATH=/bin"], cwd: "/" });
const root = { dest: "/", input: 0n, output: 0n };
const built = (Definition: pb.Definition) => raw.tree(scratch, { request: { Definition } });

test("names of one file stay together in a diff, and apart from files of the same bytes in other layers", async () => {
  const linked = run(base, "mkdir /d; echo text > /d/a; ln /d/a /d/b; ln /d/a /d/c; touch -d @1000 /d/a /d");
  const other = scratch.file([
    { type: "mkdir", path: "/d", mode: 0o755 },
    { type: "mkfile", path: "/d/a", mode: 0o600, data: Buffer.from("text\n"), timestampNs: 2_000_000_000_000n },
  ]);
  const apart = merge([diff(base, linked), other]);
  const lines = (await raw.tree(diff(other, apart))).entries;
  assert.match(lines.get("d/b") ?? "", /^-rw-r--r-- 0\/0 .* 1970-01-01 00:16:40 +d\/b$/);
  assert.match(lines.get("d/c") ?? "", /^h.* link to d\/b$/);
  const { entries } = await raw.tree(apart);
  assert.match(entries.get("d/a") ?? "", /^-rw------- .* 1970-01-01 00:33:20 +d\/a$/);
  assert.match(entries.get("d/b") ?? "", /^-rw-r--r-- .* d\/b$/);
  assert.match(entries.get("d/c") ?? "", /^h.* link to d\/b$/);
});

test("results of a step are counted as its mounts come, however they are numbered", async () => {
  const mounts = [
    { ...root, output: 3n },
    { dest: "/made", input: -1n, output: 3n },
  ];
  const exec = { meta: meta("echo made > /made/f"), mounts };
  assert.deepEqual([...(await built(execOn(exec, 1n))).entries.keys()], ["f"]);
  assert.ok((await built(execOn(exec, 0n))).entries.has("bin/sh"));
  await assert.rejects(built(execOn(exec, 2n)), /need 2 index but 2 results received/);
});

test("directories made above mounts stay with clients that do not ask for their removal", async () => {
  const mounts = [root, { dest: "/above/below", input: -1n, output: -1n, mountType: pb.MountType.TMPFS }];
  const above = async (removeMountStubsRecursive: boolean) =>
    [...(await built(execOn({ meta: { ...meta("true"), removeMountStubsRecursive }, mounts }))).entries.keys()].filter(
      (path) => path.startsWith("above"),
    );
  assert.deepEqual(await above(false), ["above"]);
  assert.deepEqual(await above(true), []);
});

test("content stands for an input only where nothing else of it can end up in a result", async () => {
  const { ON } = pb.MountContentCache;
  const part = { dest: "/part", input: 0n, output: 1n, selector: "/bin", contentCache: ON };
  const exec = (mount: object) => ({ meta: meta("true"), mounts: [root, { ...part, ...mount }] });
  await assert.rejects(built(execOn(exec({}))), /invalid mount cache content/);
  for (const mount of [{ readonly: true }, { output: -1n }, { selector: "/" }]) await built(execOn(exec(mount)));
});
