import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startSpawner } from "../../../base/process/mod.ts";
import { addLink, makeNetworkNamespace, networkLinks } from "../../../base/sys/mod.ts";
import { bridgeList, findBridgePlugins, OwnedBridge, removeLeftBridge } from "./bridge.ts";
import { parseNetworkList } from "./cni/mod.ts";
import { leasedAddresses } from "./cni/host-local.ts";
import { interfacesIn } from "./cni/result.ts";
import { openNetworks } from "./open.ts";
import type { NetworkSettings } from "./networks.ts";

const directory = mkdtempSync(join(tmpdir(), "networks-"));
after(() => rmSync(directory, { recursive: true }));
const spawner = await startSpawner();
after(() => spawner[Symbol.asyncDispose]());
const signal = new AbortController().signal;

/** A plugin that notes how it is called, with its configuration, and leases one of three addresses, as files. */
const plugin = `#!/bin/sh
here=\${0%/*}; conf=$(cat)
printf '%s %s %s %s %s %s\\n' "\${0##*/}" $CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME "$CNI_ARGS" "$conf" >> $here/calls
[ ! -e "$here/fail-$CNI_COMMAND-\${0##*/}" ] || { echo '{"cniVersion":"1.0.0","code":7,"msg":"out of order","details":"as told"}'; exit 1; }
[ -e "$CNI_NETNS" ] || { echo "no namespace"; exit 1; }
case $CNI_COMMAND in
  ADD)
    for n in 1 2 3; do
      if mkdir $here/lease-$n 2>/dev/null; then
        echo $CNI_CONTAINERID > $here/lease-$n/id
        echo '{"cniVersion":"1.0.0","interfaces":[{"name":"br"},{"name":"eth0","sandbox":"x"}],"ips":[{"address":"10.9.8.'$n'/24","interface":1}]}'
        exit 0
      fi
    done
    echo '{"msg":"no addresses left"}'; exit 1 ;;
  DEL) for lease in $here/lease-*; do grep -q $CNI_CONTAINERID $lease/id 2>/dev/null && rm -r $lease; done; true ;;
esac
`;
/** The second plugin of a list: passes on what it is told. */
const passing = plugin.replace(
  / ADD\)[\s\S]*$/,
  ' ADD) printf %s "$conf" | sed "s/.*\\"prevResult\\":\\({.*}\\)}$/\\1/" ;;\nesac\n',
);

let cases = 0;
function home() {
  const home = join(directory, String(++cases));
  const bin = join(home, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "lease"), plugin, { mode: 0o755 });
  writeFileSync(join(bin, "pass"), passing, { mode: 0o755 });
  const conflist = join(home, "net.conflist");
  writeFileSync(
    conflist,
    JSON.stringify({ cniVersion: "1.0.0", name: "n1", plugins: [{ type: "lease", own: { a: 1 } }, { type: "pass" }] }),
  );
  const settings: NetworkSettings = {
    mode: "cni",
    cniConfigPath: conflist,
    cniBinaryDir: bin,
    cniPoolSize: 0,
    bridgeName: "",
    bridgeSubnet: "",
  };
  const records = join(home, "state/attachments");
  return {
    settings,
    bin,
    open: (other: Partial<NetworkSettings> = {}) =>
      openNetworks({
        settings: { ...settings, ...other },
        directory: join(home, "state"),
        runner: { spawner, path: process.env["PATH"] ?? "" },
      }),
    calls: () => (existsSync(join(bin, "calls")) ? readFileSync(join(bin, "calls"), "utf8") : ""),
    leases: () => readdirSync(bin).filter((name) => name.startsWith("lease-")),
    records: () => readdirSync(records),
    fail: (what: string) => writeFileSync(join(bin, `fail-${what}`), ""),
    mend: (what: string) => rmSync(join(bin, `fail-${what}`)),
  };
}

const skip = process.getuid?.() === 0 ? false : "needs root";

test("plugins are called in order with what the one before said, and in reverse order at the end", {
  skip,
}, async () => {
  const { open, calls, leases, records } = home();
  const networks = await open();
  assert.equal(networks.mode, "cni");
  const network = await networks.take({ hostname: "mine" }, { signal });
  assert.ok(network && existsSync(network.namespace));
  const { namespace } = network;
  await network[Symbol.asyncDispose]();
  await networks[Symbol.asyncDispose]();
  assert.equal(existsSync(namespace), false);
  assert.deepEqual([leases(), records()], [[], []]);
  const own = calls()
    .split("\n")
    .filter((line) => line.includes("K8S_POD_NAME=mine"));
  const [id] = /[0-9a-f]{32}/.exec(own[0] ?? "") ?? [];
  const line = (type: string, command: string, address: string, before: string) => {
    const result = `"prevResult":{"cniVersion":"1.0.0","interfaces":[{"name":"br"},{"name":"eth0","sandbox":"x"}],"ips":[{"address":"10.9.8.${address}/24","interface":1}]}`;
    const conf = type === "lease" ? `"type":"lease","own":{"a":1}` : `"type":"pass"`;
    return `${type} ${command} ${id} eth0 IgnoreUnknown=1;K8S_POD_NAME=mine {${conf},"name":"n1","cniVersion":"1.0.0"${before && `,${result}`}}`;
  };
  const address = /10\.9\.8\.(\d)/.exec(own[1] ?? "")?.[1] ?? "";
  assert.deepEqual(own, [
    line("lease", "ADD", address, ""),
    line("pass", "ADD", address, "yes"),
    line("pass", "DEL", address, "yes"),
    line("lease", "DEL", address, "yes"),
  ]);
});

test("a host name cannot tell plugins more than a name", { skip }, async () => {
  const { open, calls } = home();
  await using networks = await open();
  const network = await networks.take({ hostname: "mine;IP=10.0.0.1" }, { signal });
  await network?.[Symbol.asyncDispose]();
  assert.doesNotMatch(calls(), /mine|IP=/);
});

test("a pool is filled ahead, used once each, and emptied at the end", { skip }, async () => {
  const { open, calls, leases } = home();
  const networks = await open({ cniPoolSize: 2 });
  const adds = () => calls().match(/^lease ADD/gm)?.length;
  while (adds() !== 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const first = await networks.take({}, { signal });
  const second = await networks.take({}, { signal });
  assert.notEqual(first?.namespace, second?.namespace);
  await first?.[Symbol.asyncDispose]();
  await second?.[Symbol.asyncDispose]();
  await networks[Symbol.asyncDispose]();
  assert.deepEqual(leases(), []);
  await assert.rejects(networks.take({}, { signal }), /the engine is stopping/);
});

test("a plugin that fails is quoted, and what the others did is undone", { skip }, async () => {
  const { open, leases, records, fail, mend } = home();
  fail("ADD-pass");
  await assert.rejects(open(), {
    message: 'CNI setup error: plugin type="pass" failed (add): out of order; as told',
  });
  assert.deepEqual([leases(), records()], [[], []]);
  mend("ADD-pass");
  await using networks = await open();
  const taken = [];
  for (let at = 0; at < 3; at++) taken.push(await networks.take({}, { signal }));
  await assert.rejects(networks.take({}, { signal }), /failed \(add\): no addresses left$/);
  await taken.pop()?.[Symbol.asyncDispose]();
  taken.push(await networks.take({}, { signal })); // waits for the address that is being given back
  const canceled = AbortSignal.abort(new Error("enough"));
  await assert.rejects(networks.take({}, { signal: canceled }), /^Error: enough$/);
  for (const network of taken) await network?.[Symbol.asyncDispose]();
});

test("what could not be taken apart, or belonged to a killed engine, is taken apart by the next engine", {
  skip,
}, async () => {
  const { open, leases, records, fail, mend } = home();
  const networks = await open();
  const network = await networks.take({}, { signal });
  fail("DEL-lease");
  await network?.[Symbol.asyncDispose]();
  await networks[Symbol.asyncDispose]();
  assert.ok(records().length > 0);
  assert.equal(leases().length, records().length);
  mend("DEL-lease");
  const next = await open({ mode: "host" }); // also if it has no use for such networks
  assert.equal(next.mode, "host");
  await next[Symbol.asyncDispose]();
  assert.deepEqual([leases(), records()], [[], []]);
});

test("engines wait for each other where they are told a file to lock", { skip }, async () => {
  const { open } = home();
  const initLockPath = join(directory, "lock");
  const holder = spawn("flock", [initLockPath, "-c", "echo held; cat"], { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  let opened = false;
  const opening = open({ initLockPath }).then((networks) => {
    opened = true;
    return networks;
  });
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(opened, false);
  holder.stdin.end();
  await (await opening)[Symbol.asyncDispose]();
});

test("a bridge goes with the engine that has had it made, or with the next one, but not with another's", {
  skip,
}, () => {
  const file = join(directory, "bridge-file");
  const addBridge = (name: string, index: number) => addLink({ index, name, kind: "bridge" });
  const names = () => networkLinks().map(({ name }) => name);
  const seen: (readonly string[])[] = [];
  const fd = makeNetworkNamespace(() => {
    addBridge("theirs", 2);
    new OwnedBridge("theirs", file)[Symbol.dispose]();
    seen.push(names());
    const ours = new OwnedBridge("ours", file);
    addBridge("ours", 3);
    removeLeftBridge(file, "ours");
    new OwnedBridge("ours", file); // as after the engine was killed
    seen.push(names());
    ours[Symbol.dispose]();
    seen.push(names());
    new OwnedBridge("ours", file);
    addBridge("ours", 4);
    removeLeftBridge(file);
    seen.push(names());
  });
  closeSync(fd);
  const theirs = ["lo", "theirs"];
  assert.deepEqual(seen, [theirs, [...theirs, "ours"], theirs, theirs]);
});

test("what is missing is named at the start, with a way out", { skip }, async () => {
  const { open } = home();
  await assert.rejects(
    open({ cniConfigPath: "/nowhere.json" }),
    /^BuildError: failed to read cni config "\/nowhere.json": open \/nowhere.json: no such file/,
  );
  await assert.rejects(
    open({ cniBinaryDir: "/nowhere" }),
    /failed to read cni binary dir "\/nowhere": install CNI plugins/,
  );
  await assert.rejects(
    open({ mode: "bridge", cniBinaryDir: "/nowhere" }),
    /failed to find CNI bridge "\/nowhere\/bridge" or buildkit-cni-bridge: install CNI plugins/,
  );
});

for (const [text, message] of [
  ["{", /failed to read cni config "x": /],
  ["[]", /want an object$/],
  ['{"type":"a"}', /invalid characters in network name, or none: undefined$/],
  ['{"name":"../n","type":"a"}', /invalid characters in network name, or none: "\.\.\/n"$/],
  ['{"name":"n"}', /missing 'type'$/],
  ['{"name":"n","plugins":[]}', /no plugins in list$/],
  ['{"name":"n","type":"../a"}', /missing 'type'$/],
  ['{"name":"n","type":"a","cniVersion":"9"}', /unsupported cniVersion "9": want one of 0\.1\.0,/],
] as const) {
  test(`parseNetworkList() refuses ${text}`, () => assert.throws(() => parseNetworkList(text, "x"), message));
}

test("parseNetworkList() takes one plugin as a list of one", () => {
  const plugin = { name: "n", cniVersion: "0.4.0", type: "ptp", ipMasq: true };
  const want = { name: "n", cniVersion: "0.4.0", plugins: [plugin] };
  assert.deepEqual(parseNetworkList(JSON.stringify(plugin), "x"), want);
});

test("interfacesIn() finds the devices inside, in every version's results", () => {
  const modern = {
    interfaces: [{ name: "br0" }, { name: "eth0", sandbox: "/x" }, { name: "lo", sandbox: "/x" }],
    ips: [
      { address: "10.0.0.2/24", interface: 1 },
      { address: "127.0.0.1/8", interface: 2 },
    ],
  };
  assert.deepEqual(interfacesIn(modern, "eth0"), [{ name: "eth0", addresses: ["10.0.0.2/24"] }]);
  const old = { ip4: { ip: "10.0.0.2/24" }, ip6: { ip: "fd00::2/64" } };
  assert.deepEqual(interfacesIn(old, "eth0"), [{ name: "eth0", addresses: ["10.0.0.2/24", "fd00::2/64"] }]);
  assert.deepEqual(interfacesIn(undefined, "eth0"), [{ name: "eth0", addresses: [] }]);
});

test("BuildKit's own plugins are preferred where all of them are there", () => {
  const bin = join(directory, "buildkit-bin");
  mkdirSync(bin);
  const names = ["bridge", "host-local"].map((name) => `buildkit-cni-${name}`);
  for (const name of names) writeFileSync(join(bin, name), "");
  const usual = home().bin;
  writeFileSync(join(usual, "bridge"), "");
  assert.deepEqual(findBridgePlugins(`/nowhere:${bin}`, usual).directories, [usual]);
  writeFileSync(join(bin, "buildkit-cni-firewall"), "");
  const found = findBridgePlugins(`/nowhere:${bin}`, usual);
  assert.deepEqual(found.directories, [bin]);
  const { plugins } = bridgeList(found, { name: "b0", subnet: "10.1.0.0/24" });
  assert.deepEqual(
    plugins.map(({ type }) => type),
    ["buildkit-cni-bridge", "buildkit-cni-firewall"],
  );
});

test("leasedAddresses() finds what host-local has noted for an attachment", () => {
  const dataDir = join(directory, "noted");
  const noted = {
    "10.0.0.2": "a\r\neth0",
    "10.0.0.3": "b\r\neth0",
    "fd00::2": "a\neth0\n",
    "192.168.7.7": "a",
    lock: "a",
  };
  mkdirSync(join(dataDir, "n"), { recursive: true });
  for (const [name, text] of Object.entries(noted)) writeFileSync(join(dataDir, "n", name), text);
  const ranges = [[{ subnet: "10.0.0.0/24" }], [{ subnet: "fd00::/64" }]];
  const ipam = { type: "buildkit-cni-host-local", dataDir, subnet: "172.16.0.0/12", ranges };
  const attachment = {
    id: "a",
    list: { name: "n", cniVersion: "1.0.0", plugins: [{ type: "bridge", ipam }, { type: "x" }] },
  };
  const rest = { directories: [], args: "" };
  assert.deepEqual(leasedAddresses({ ...attachment, ...rest }).toSorted(), [
    "10.0.0.2/24",
    "192.168.7.7/32",
    "fd00::2/64",
  ]);
  const other = { ...attachment.list, name: "none" };
  assert.deepEqual(leasedAddresses({ ...attachment, ...rest, list: other }), []);
});
