import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerEdits } from "../../devices/mod.ts";
import { deviceConfig, withDeviceVariables } from "./device-edits.ts";

const nothing: ContainerEdits = { env: [], deviceNodes: [], mounts: [], hooks: [], additionalGids: [] };
const root = { uid: 0, gid: 0, additionalGids: [], home: "/root" };
const made = { user: root, showNodes: false };

test("deviceConfig() looks up what a node's description leaves out", () => {
  const deviceNodes = [
    { path: "/dev/a", hostPath: "/dev/zero", permissions: "r" },
    { path: "/dev/b", type: "b", major: 7, minor: 3, fileMode: 0o640, uid: 1, gid: 2 },
    { path: "/dev/p", type: "p", fileMode: 0o600 },
  ] as const;
  const { devices, rules, mounts } = deviceConfig({ ...nothing, deviceNodes }, made);
  assert.deepEqual(devices, [
    { path: "/dev/a", type: "c", major: 1, minor: 5, fileMode: 0o666 },
    { path: "/dev/b", type: "b", major: 7, minor: 3, fileMode: 0o640, uid: 1, gid: 2 },
    { path: "/dev/p", type: "p", major: 0, minor: 0, fileMode: 0o600 },
  ]);
  assert.deepEqual(rules, [
    { allow: true, type: "c", major: 1, minor: 5, access: "r" },
    { allow: true, type: "b", major: 7, minor: 3, access: "rwm" },
  ]);
  assert.deepEqual(mounts, []);
  const ada = { ...root, uid: 1000, gid: 100 };
  const [own] = deviceConfig({ ...nothing, deviceNodes: [{ path: "/dev/zero" }] }, { ...made, user: ada }).devices;
  assert.deepEqual([own?.uid, own?.gid], [1000, 100]);
});

test("deviceConfig() shows nodes that cannot be made, or would stay in the image", () => {
  const shown = { type: "bind", source: "/dev/zero", options: ["rbind", "nosuid", "noexec"] };
  const deviceNodes = [{ path: "/dev/a", hostPath: "/dev/zero" }];
  const emulated = deviceConfig({ ...nothing, deviceNodes }, { user: root, showNodes: true });
  assert.deepEqual([emulated.devices, emulated.mounts], [[], [{ destination: "/dev/a", ...shown }]]);
  const outside = deviceConfig({ ...nothing, deviceNodes: [{ path: "/dev/../etc/a", hostPath: "/dev/zero" }] }, made);
  assert.deepEqual([outside.devices, outside.mounts], [[], [{ destination: "/etc/a", ...shown }]]);
  assert.equal(outside.rules.length, 1);
});

for (const [node, showNodes, message] of [
  [{ path: "/dev/none" }, false, /^failed to stat CDI host device "\/dev\/none": .*no such file or directory$/],
  [{ path: "/etc/passwd" }, false, /^failed to stat CDI host device "\/etc\/passwd": not a device node$/],
  [{ path: "/dev/zero", type: "b" }, false, /host type mismatch \(b, c\)$/],
  [
    { path: "/dev/none", type: "c", major: 1, minor: 5 },
    true,
    /"\/dev\/none": not a device node, and it cannot be made/,
  ],
] as const) {
  test(`deviceConfig() refuses ${JSON.stringify(node)}${showNodes ? " where nodes cannot be made" : ""}`, () =>
    assert.throws(() => deviceConfig({ ...nothing, deviceNodes: [node] }, { user: root, showNodes }), {
      code: "failed_precondition",
      message,
    }));
}

test("deviceConfig() has mounts bound unless they say otherwise, hooks by their moment, and groups but root's", () => {
  const config = deviceConfig(
    {
      ...nothing,
      mounts: [
        { hostPath: "/a", containerPath: "/b/../c", options: ["ro"] },
        { hostPath: "/a", containerPath: "/d", options: ["bind", "ro"] },
        { hostPath: "tmpfs", containerPath: "/e", type: "tmpfs", options: ["size=1m"] },
      ],
      hooks: [
        { hookName: "createRuntime", path: "/x", args: ["x"] },
        { hookName: "poststop", path: "/y" },
        { hookName: "createRuntime", path: "/z", timeout: 3 },
      ],
      additionalGids: [0, 7],
    },
    made,
  );
  assert.deepEqual(config.mounts, [
    { destination: "/c", type: "bind", source: "/a", options: ["rbind", "ro"] },
    { destination: "/d", type: "bind", source: "/a", options: ["bind", "ro"] },
    { destination: "/e", type: "tmpfs", source: "tmpfs", options: ["size=1m"] },
  ]);
  assert.deepEqual(config.hooks, {
    createRuntime: [
      { path: "/x", args: ["x"] },
      { path: "/z", timeout: 3 },
    ],
    poststop: [{ path: "/y" }],
  });
  assert.deepEqual(config.additionalGids, [7]);
});

test("withDeviceVariables() lets a device's variables win", () => {
  assert.deepEqual(withDeviceVariables(["A=1", "AB=2", "C=3"], { ...nothing, env: ["A=9", "D=4"] }), [
    "AB=2",
    "C=3",
    "A=9",
    "D=4",
  ]);
  assert.deepEqual(withDeviceVariables(["A=1"], undefined), ["A=1"]);
});
