import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { decodeDeviceSpec } from "./device-spec.ts";
import { addDeviceGrant, allowedDevices, DeviceRegistry, noDeviceGrants } from "./mod.ts";

const home = mkdtempSync(join(tmpdir(), "devices-"));
after(() => rmSync(home, { recursive: true }));

let cases = 0;
/** Directories with these files, by `<directory>/<name>`. */
function directories(files: Readonly<Record<string, string | object>>): readonly string[] {
  const base = join(home, String(++cases));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(base, path, ".."), { recursive: true });
    writeFileSync(join(base, path), typeof content === "string" ? content : JSON.stringify(content));
  }
  return [join(base, "a"), join(base, "b"), join(base, "missing")];
}
const registry = (files: Readonly<Record<string, string | object>>, autoAllowed: readonly string[] = []) =>
  new DeviceRegistry({ specDirs: directories(files), autoAllowed });

const device = (name: string, value: string, annotations: Readonly<Record<string, string>> = {}) => ({
  name,
  annotations,
  containerEdits: { env: [`${name.toUpperCase()}=${value}`] },
});
const spec = (devices: readonly object[], more: object = {}) => ({
  cdiVersion: "0.6.0",
  kind: "vendor1.com/device",
  devices,
  ...more,
});
const gpu = "org.mobyproject.buildkit.device.class";
const allow = "org.mobyproject.buildkit.device.autoallow";

const yaml = `
cdiVersion: "0.6.0"
kind: vendor2.com/net
annotations: { ${gpu}: fast }
containerEdits:
  env: [ALL=1]
devices:
- name: one
  containerEdits:
    deviceNodes:
    - path: /dev/one
      hostPath: /dev/null
      fileMode: 0660
- name: two
  annotations:
    ${allow}: "true"
  containerEdits:
    env: [TWO=2]
`;

test("devices are read from JSON and YAML, and say whose they are", async () => {
  const files = {
    "a/one.json": spec([device("foo", "1"), device("bar", "2")]),
    "b/net.yaml": yaml,
    "a/notes.txt": "{",
  };
  const known = registry(files, ["vendor1.com/device=bar"]);
  assert.deepEqual(await known.list(), [
    { name: "vendor1.com/device=bar", annotations: {}, autoAllowed: true },
    { name: "vendor1.com/device=foo", annotations: {}, autoAllowed: false },
    { name: "vendor2.com/net=one", annotations: { [gpu]: "fast" }, autoAllowed: false },
    { name: "vendor2.com/net=two", annotations: { [gpu]: "fast", [allow]: "true" }, autoAllowed: true },
  ]);
  const both = await known.find([{ name: "vendor2.com/net=*", optional: false }]);
  const edits = await known.edits(both);
  assert.deepEqual(edits.env, ["ALL=1", "TWO=2"]);
  assert.deepEqual(edits.deviceNodes, [{ path: "/dev/one", hostPath: "/dev/null", fileMode: 0o660 }]);
});

test("a file that changes is read again, one that is wrong is left out, and the later directory wins", async () => {
  const [a = "", b = "", missing = ""] = directories({ "a/x.json": spec([device("foo", "a")]), "b/bad.json": "{" });
  const known = new DeviceRegistry({ specDirs: [a, b, missing], autoAllowed: [] });
  const foo = { name: "vendor1.com/device=foo", optional: false };
  const env = async () => (await known.edits(await known.find([foo]))).env;
  assert.deepEqual(await env(), ["FOO=a"]);
  mkdirSync(b, { recursive: true });
  writeFileSync(join(b, "x.json"), JSON.stringify(spec([device("foo", "b")])));
  assert.deepEqual(await env(), ["FOO=b"]);
  writeFileSync(join(b, "y.json"), JSON.stringify(spec([device("foo", "c")])));
  await assert.rejects(known.find([foo]), { message: 'required device "vendor1.com/device=foo" is not registered' });
});

for (const [name, want] of [
  ["vendor1.com/device", ["vendor1.com/device=bar"]],
  ["vendor1.com/device=foo", ["vendor1.com/device=foo"]],
  ["vendor1.com/device=*", ["vendor1.com/device=bar", "vendor1.com/device=foo"]],
  ["class1", ["vendor1.com/device=bar"]],
  ["vendor1.com/other", []],
  ["nothing", []],
] as const) {
  test(`"${name}" means ${want.join(" and ") || "nothing"}`, async () => {
    const known = registry({ "a/x.json": spec([device("foo", "1"), device("bar", "2", { [gpu]: "class1" })]) });
    const found = await known.find([{ name, optional: true }]);
    assert.deepEqual(
      found.map(({ name }) => name),
      want,
    );
  });
}

for (const [grants, wanted, want] of [
  [[], ["foo"], /^device vendor1\.com\/device=foo is requested by the build but not allowed$/],
  [
    [],
    ["*"],
    /^devices vendor1\.com\/device=bar, vendor1\.com\/device=foo are requested by the build but not allowed$/,
  ],
  [[], ["free"], ["free"]],
  [[""], ["*"], ["bar", "foo", "free"]],
  [["vendor1.com/device=foo"], ["foo", "free"], ["foo", "free"]],
  [["vendor1.com/device"], ["foo"], /^device vendor1\.com\/device=foo is requested/],
  [["vendor1.com/device=*"], ["foo", "bar"], ["foo", "bar"]],
  [["vendor1.com/device=foo,alias=mine"], ["mine"], ["foo"]],
  [["vendor1.com/device=foo,alias=mine"], ["foo"], /not allowed$/],
  [["vendor1.com/device=foo,alias=mine"], ["mine", "free"], ["foo", "free"]],
  [["missing"], ["free"], ["free"]],
  [["missing,alias=mine"], ["mine"], /^required device "missing" is not registered$/],
] as const) {
  const given = grants.map((grant) => `device=${grant}`).join(" and ") || "nothing";
  const outcome = want instanceof RegExp ? "is refused" : "has them";
  test(`a step that wants ${wanted.join(" and ")}, of a build that was granted ${given}, ${outcome}`, async () => {
    const known = registry({
      "a/x.json": spec([device("foo", "1"), device("bar", "2"), device("free", "3", { [allow]: "1" })]),
    });
    const full = (name: string) => (name === "mine" ? name : `vendor1.com/device=${name}`);
    const granted = grants.reduce(addDeviceGrant, noDeviceGrants);
    const found = allowedDevices(
      wanted.map((name) => ({ name: full(name), optional: false })),
      granted,
      known,
    );
    if (want instanceof RegExp) await assert.rejects(found, { message: want });
    else assert.deepEqual(new Set((await found).map(({ name }) => name)), new Set(want.map((name) => full(name))));
  });
}

for (const [grant, message] of [
  ["a,b", 'invalid device config "b"'],
  ["a,b=c", 'unknown device config key "b"'],
] as const) {
  test(`addDeviceGrant() refuses ${grant}`, () =>
    assert.throws(() => addDeviceGrant(noDeviceGrants, grant), { code: "invalid_argument", message }));
}

const one = [{ name: "a" }];
for (const [value, message] of [
  [[], "spec: want an object"],
  [{}, /^spec\.cdiVersion: invalid version ""/],
  [{ cdiVersion: "0.6.0" }, "spec.kind: must not be empty"],
  [{ cdiVersion: "0.6.0", kind: "x", devices: one }, 'spec.kind: want vendor/class, got "x"'],
  [spec([]), "spec.devices: no devices"],
  [spec([{ name: "a b" }]), 'spec.devices[0].name: invalid device name "a b"'],
  [spec([...one, ...one]), 'spec.devices[1].name: multiple device "a"'],
  [spec(one, { color: "red" }), "spec.color: unknown field"],
  [spec(one, { containerEdits: { env: ["A"] } }), 'containerEdits.env: invalid environment variable "A"'],
  [spec(one, { containerEdits: { deviceNodes: [{ path: "x" }] } }), /deviceNodes\[0\]\.path: want an absolute path/],
  [spec(one, { containerEdits: { deviceNodes: [{ path: "/x", type: "q" }] } }), /\.type: invalid type "q"$/],
  [spec(one, { containerEdits: { deviceNodes: [{ path: "/x", permissions: "x" }] } }), /invalid permissions "x"$/],
  [spec(one, { containerEdits: { hooks: [{ hookName: "x", path: "/x" }] } }), /invalid hook name "x"$/],
  [spec(one, { containerEdits: { mounts: [{ hostPath: "/x" }] } }), /\.containerPath: must not be empty$/],
  [
    spec(one, { containerEdits: { netDevices: [{ hostInterfaceName: "a", name: "b" }] } }),
    /cannot move network devices/,
  ],
] as const) {
  test(`decodeDeviceSpec() refuses ${JSON.stringify(value)}`, () =>
    assert.throws(() => decodeDeviceSpec(value), { message }));
}
