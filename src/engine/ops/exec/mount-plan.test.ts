import assert from "node:assert/strict";
import { create, type MessageInitShape } from "../../../base/protobuf/mod.ts";
import { test } from "node:test";
import { pb } from "../../../api/mod.ts";
import { planMounts } from "./mount-plan.ts";

type Mount = MessageInitShape<typeof pb.MountSchema>;

const none = { input: -1n, output: -1n } as const;
const root: Mount = { dest: "/", input: 0n, output: 0n };

function plan(...mounts: Mount[]) {
  return planMounts(create(pb.ExecOpSchema, { meta: { args: ["x"], cwd: "/work" }, mounts }));
}

test("mounts are made parents first, and paths are those of the process", () => {
  const { others } = plan(
    { ...none, dest: "/a/b/c", mountType: pb.MountType.TMPFS },
    root,
    { ...none, dest: "sub", mountType: pb.MountType.TMPFS, TmpfsOpt: { size: 4096n } },
    { ...none, dest: "/a/", input: 1n, selector: "/x/../y", readonly: true },
  );
  assert.deepEqual(others, [
    { type: "tree", place: 3, target: "/a", input: 1, selector: "y", readonly: true, output: undefined },
    { type: "tmpfs", target: "/work/sub", sizeBytes: 4096 },
    { type: "tmpfs", target: "/a/b/c", sizeBytes: undefined },
  ]);
});

test("outputs are those of trees; what clients leave in other mounts counts for nothing", () => {
  const { outputs, others } = plan(
    root,
    { ...none, dest: "/out", output: 1n },
    { input: -1n, output: 0n, dest: "/s", mountType: pb.MountType.SECRET, secretOpt: { ID: "key", mode: 0o440 } },
    { input: -1n, output: 0n, dest: "/c", mountType: pb.MountType.CACHE, cacheOpt: { ID: "id", sharing: 2 } },
  );
  assert.equal(outputs, 2);
  assert.deepEqual(
    others.map((mount) => ("output" in mount ? mount.output : undefined)),
    [1, undefined, undefined],
  );
  assert.ok(others[2]?.type === "cache" && others[2].sharing === "locked");
});

test("what makes no sense is refused", () => {
  assert.throws(() => plan({ ...none, dest: "/x" }), /no rootfs/);
});

test("ssh is a socket of the client's default agent, for root alone, unless it is said otherwise", () => {
  const ssh = (SSHOpt?: Mount["SSHOpt"]): Mount => ({
    dest: "/agent",
    input: -1n,
    mountType: pb.MountType.SSH,
    SSHOpt,
  });
  const socket = { type: "ssh", target: "/agent", id: "", uid: 0, gid: 0, mode: 0o600, optional: false };
  assert.deepEqual(plan(root, ssh()).others, [socket]);
  const option = { ID: "work", uid: 1, gid: 2, mode: 0o640, optional: true };
  assert.deepEqual(plan(root, ssh(option)).others, [
    { ...socket, id: "work", uid: 1, gid: 2, mode: 0o640, optional: true },
  ]);
});

test("results are counted as their mounts come, however they are numbered", () => {
  const { root: mounted, others } = plan({ ...root, output: 7n }, { ...none, dest: "/x", output: 7n });
  assert.equal(mounted.output, 0);
  assert.deepEqual(
    others.map((mount) => "output" in mount && mount.output),
    [1],
  );
});

test("mounts without what their type needs are refused", () => {
  const { CACHE, SECRET, TMPFS } = pb.MountType;
  assert.throws(
    () => plan(root, { ...none, dest: "/c", mountType: CACHE }),
    /^BuildError: missing cache mount options/,
  );
  assert.throws(() => plan(root, { ...none, dest: "/s", mountType: SECRET }), /invalid secret mount options/);
  assert.throws(() => plan(root, { ...none, dest: "/s", mountType: SECRET, secretOpt: {} }), /secret ID missing/);
  assert.throws(
    () => plan(root, { ...none, dest: "/c", mountType: CACHE, cacheOpt: { ID: "a", sharing: 9 } }),
    /invalid cache sharing option: 9/,
  );
  assert.throws(() => plan({ ...none, dest: "/", mountType: TMPFS }), /invalid mount type TMPFS for \//);
});
