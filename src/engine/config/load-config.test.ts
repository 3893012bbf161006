import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { createAuthority } from "../../certificates/mod.ts";
import type { EngineFlags } from "./engine-flags.ts";
import { loadEngineConfig } from "./load-config.ts";

const directory = mkdtempSync(join(tmpdir(), "polyarch-config-"));
after(() => rmSync(directory, { recursive: true }));
const path = (name: string) => join(directory, name);
const from = new Date("2026-01-01");
const until = new Date("2060-01-01");
const authority = createAuthority({ commonName: "ca", from, until });
const pair = authority.issue({ purpose: "server", commonName: "s", names: ["s"], from, until });
const otherPair = authority.issue({ purpose: "server", commonName: "s", names: ["s"], from, until });
for (const [name, text] of Object.entries({ "ca.pem": authority.cert, "cert.pem": pair.cert, "key.pem": pair.key }))
  writeFileSync(path(name), text);
writeFileSync(path("other-key.pem"), otherPair.key);
writeFileSync(path("group"), "root:x:0:\nbuilders:x:1234:a,b\n");

/** The configuration of an engine with this file (when given) and these flags. */
async function load(options: { toml?: string; flags?: EngineFlags; env?: Record<string, string> }) {
  const file = path("buildkitd.toml");
  if (options.toml !== undefined) writeFileSync(file, options.toml);
  return await loadEngineConfig(options.flags ?? {}, {
    env: options.env ?? {},
    configFiles: options.toml === undefined ? [] : [path("missing.toml"), file],
    groupFile: path("group"),
  });
}

suite("loadEngineConfig()", () => {
  test("knows what is usual when nothing is said", async () => {
    const config = await load({});
    assert.equal(config.root, "/var/lib/polyarch");
    assert.deepEqual(
      config.addresses.map(({ text }) => text),
      ["unix:///run/polyarch/polyarchd.sock"],
    );
    assert.deepEqual(config.log, { level: "info", format: "text" });
    assert.deepEqual([...config.entitlements], ["device"]);
    assert.deepEqual(
      [config.tls, config.platforms, config.maxParallelism, config.dns, config.idleTimeoutMs, config.warnings],
      [undefined, undefined, undefined, undefined, undefined, []],
    );
  });

  test("shows steps a collector of traces only where one is asked for, the flag before the file", async () => {
    const toml = '[otel]\nsocketPath = "/run/a.sock"\n';
    const socket = async (options: Parameters<typeof load>[0]) => (await load(options)).traceSocket?.text;
    assert.equal(await socket({}), undefined);
    assert.equal(await socket({ toml }), "unix:///run/a.sock");
    assert.equal(await socket({ toml, flags: { traceSocket: "/run/b.sock" } }), "unix:///run/b.sock");
    assert.equal(await socket({ toml, flags: { traceSocket: "" } }), undefined);
  });
  test("takes a debug address from the flag, else the environment, else the file", async () => {
    const toml = '[grpc]\ndebugAddress = "0.0.0.0:6060"\n';
    const env = { BUILDKITD_DEBUGADDR: "unix:///run/debug.sock" };
    const address = async (options: Parameters<typeof load>[0]) => (await load(options)).debugAddress?.text;
    assert.equal(await address({ toml }), "tcp://0.0.0.0:6060");
    assert.equal(await address({ toml, env }), "unix:///run/debug.sock");
    assert.equal(await address({ toml, env, flags: { debugAddress: ":1" } }), "tcp://:1");
    assert.equal(await address({ toml, env, flags: { debugAddress: "" } }), undefined);
    await assert.rejects(load({ flags: { debugAddress: "somewhere" } }), /address tcp:\/\/somewhere: want tcp:/);
  });

  test("reads everything that people have in their buildkitd.toml", async () => {
    mkdirSync(path("certs.d"), { recursive: true });
    writeFileSync(path("certs.d/a.crt"), authority.cert);
    writeFileSync(path("certs.d/b.cert"), pair.cert);
    writeFileSync(path("certs.d/b.key"), pair.key);
    const config = await load({
      toml: `
root = "${path("state")}"
insecure-entitlements = ["network.host", "security.insecure"]
[log]
  format = "json"
  level = "warn"
[grpc]
  address = ["tcp://0.0.0.0:8080", "unix://${path("a.sock")}"]
  gid = 77
  [grpc.tls]
    cert = "${path("cert.pem")}"
    key = "${path("key.pem")}"
    ca = "${path("ca.pem")}"
[worker.oci]
  enabled = true
  platforms = ["linux/amd64", "linux/arm/v7"]
  snapshotter = "auto"
  rootless = false
  networkMode = "host"
  max-parallelism = 4
  gc = true
  gckeepstorage = 9000
  maxUsedSpace = "1GB"
  [[worker.oci.gcpolicy]]
    filters = ["type==regular"]
    keepDuration = "48h"
    reservedSpace = "10%"
  [worker.oci.labels]
    "foo.bar" = "baz"
[worker.containerd]
  enabled = false
  gckeepstorage = 9000
[dns]
  nameservers = ["1.1.1.1"]
[registry."docker.io"]
  mirrors = ["mirror.lan:5000", "cache.lan/proxy"]
[registry."mirror.lan:5000"]
  http = true
  insecure = true
  ca = ["${path("ca.pem")}"]
  [[registry."mirror.lan:5000".keypair]]
    key = "${path("key.pem")}"
    cert = "${path("cert.pem")}"
[registry."cache.lan"]
  tlsconfigdir = ["${path("certs.d")}"]
`,
    });
    assert.equal(config.root, path("state"));
    const bounds = { reserved: { bytes: 9000 }, maxUsed: { bytes: 2 ** 30 }, minFree: undefined };
    const rule = { all: false, filters: ["type==regular"], keepDurationMs: 172_800_000, minFree: undefined };
    const rules = [{ ...rule, reserved: { percent: 10 }, maxUsed: undefined }];
    assert.deepEqual(config.gc, { enabled: true, bounds, rules });
    assert.deepEqual([...config.entitlements], ["network.host", "security.insecure", "device"]);
    assert.deepEqual(config.log, { format: "json", level: "warn" });
    assert.deepEqual(config.addresses, [
      { type: "tcp", text: "tcp://0.0.0.0:8080", host: "0.0.0.0", port: 8080 },
      { type: "unix", text: `unix://${path("a.sock")}`, path: path("a.sock") },
    ]);
    assert.deepEqual(config.socketOwner, { uid: undefined, gid: 77 });
    assert.deepEqual(config.tls, { ...pair, ca: authority.cert });
    assert.equal(config.maxParallelism, 4);
    assert.deepEqual(config.labels, { "foo.bar": "baz" });
    assert.equal(config.platforms?.length, 2);
    assert.deepEqual(config.dns, { nameservers: ["1.1.1.1"], options: [], searchDomains: [] });
    assert.deepEqual(Object.fromEntries(config.registries), {
      "docker.io": { mirrors: ["mirror.lan:5000", "cache.lan/proxy"] },
      "mirror.lan:5000": { plainHttp: true, insecure: true, ca: [authority.cert], clientCertificate: pair },
      "cache.lan": { ca: [authority.cert], clientCertificate: pair },
    });
    assert.deepEqual(config.warnings, [`TLS is disabled for unix://${path("a.sock")}`]);
  });

  test("lets flags beat the file", async () => {
    const config = await load({
      toml: `
root = "/from/file"
debug = true
insecure-entitlements = ["network.host"]
[log]
level = "error"
[grpc]
address = ["tcp://0.0.0.0:1"]
gid = 5
[grpc.tls]
cert = "/not/there"
key = "${path("key.pem")}"
[worker.oci]
max-parallelism = 4
platforms = ["linux/arm64"]
labels = { a = "file", b = "file" }
`,
      flags: {
        root: "/from/flag",
        addresses: ["tcp://[::1]:2"],
        group: "builders",
        tlsCert: path("cert.pem"),
        entitlements: ["security.insecure"],
        debug: false,
        maxParallelism: 0,
        platforms: ["amd64"],
        labels: ["a=flag", "c=d=e"],
        idleTimeoutMs: 5,
        gc: false,
        gcKeepStorage: "1,20%,3",
      },
    });
    assert.equal(config.root, "/from/flag");
    assert.deepEqual(config.addresses, [{ type: "tcp", text: "tcp://[::1]:2", host: "::1", port: 2 }]);
    assert.equal(config.socketOwner.gid, 1234);
    assert.equal(config.tls?.ca, undefined);
    assert.deepEqual([...config.entitlements], ["security.insecure", "device"]);
    assert.equal(config.log.level, "error");
    assert.equal(config.maxParallelism, Number.MAX_SAFE_INTEGER);
    assert.deepEqual(
      config.platforms?.map(({ architecture }) => architecture),
      ["amd64"],
    );
    assert.deepEqual(config.labels, { a: "flag", b: "file", c: "d=e" });
    assert.equal(config.idleTimeoutMs, 5);
    const bounds = { reserved: { bytes: 1e6 }, maxUsed: { bytes: 3e6 }, minFree: { percent: 20 } };
    assert.deepEqual(config.gc, { enabled: false, bounds, rules: undefined });
    assert.match(config.warnings[0] ?? "", /buildkitd\.toml:3: debug: deprecated/);
  });

  test("takes the log's level from buildkitd's variable, and a socket's group by number", async () => {
    assert.equal((await load({ env: { BUILDKITD_LOG_LEVEL: "trace" } })).log.level, "debug");
    const flags: EngineFlags = { logLevel: "warning", group: "42" };
    const config = await load({ flags, env: { BUILDKITD_LOG_LEVEL: "debug" } });
    assert.equal(config.log.level, "warn");
    assert.equal(config.socketOwner.gid, 42);
  });

  test("removes what nobody uses unless it is told not to, by the file or, before that, by a flag", async () => {
    assert.equal((await load({})).gc.enabled, true);
    assert.equal((await load({ flags: { gc: false } })).gc.enabled, false);
    assert.equal((await load({ flags: { gc: true }, toml: "[worker.oci]\ngc = false\n" })).gc.enabled, true);
  });

  test("remembers as many builds as the file says", async () => {
    assert.deepEqual((await load({})).history, { maxAgeMs: 172_800_000, maxEntries: 50 });
    const { history } = await load({ toml: '[history]\nmaxAge = "1h"\nmaxEntries = 5\n' });
    assert.deepEqual(history, { maxAgeMs: 3_600_000, maxEntries: 5 });
    const five = await load({ toml: "[history]\nmaxEntries = 5\n" });
    assert.deepEqual(five.history, { maxAgeMs: 0, maxEntries: 5 }, "five, and no more");
    const hour = await load({ toml: "[history]\nmaxAge = 3600\n" });
    assert.deepEqual(hour.history, { maxAgeMs: 3_600_000, maxEntries: 0 }, "those of an hour, and no more");
    await assert.rejects(load({ toml: "[history]\nmaxEntries = -1\n" }), /history\.maxEntries: want a whole number/);
  });

  test("reads which frontends there are, what starts containers, and what is asked of the surroundings", async () => {
    const usual = await load({});
    assert.deepEqual(usual.frontends, { dockerfile: true, gateway: true, allowedRepositories: [] });
    assert.deepEqual(usual.system, { platformsMaxAgeMs: undefined, maxRegistryConcurrency: undefined });
    assert.deepEqual([usual.runtime, usual.cgroupParent], [undefined, undefined]);
    const toml = `[frontend."dockerfile.v0"]
enabled = false
[frontend."gateway.v0"]
enabled = true
allowedRepositories = ["docker/dockerfile", "registry.lan:5000/a/b:ignored"]
[system]
platformsCacheMaxAge = "-1s"
maxRegistryConcurrency = 9
[worker.oci]
binary = "runc"
defaultCgroupParent = "ci.slice"
[worker.containerd]
enabled = false
address = "/x"
`;
    const config = await load({ toml, flags: { withoutEffect: ["containerd-worker-gc"] } });
    const allowedRepositories = ["docker.io/docker/dockerfile", "registry.lan:5000/a/b"];
    assert.deepEqual(config.frontends, { dockerfile: false, gateway: true, allowedRepositories });
    assert.deepEqual(config.system, { platformsMaxAgeMs: -1000, maxRegistryConcurrency: 9 });
    assert.deepEqual([config.runtime, config.cgroupParent], ["runc", "ci.slice"]);
    assert.deepEqual(config.warnings, ["--containerd-worker-gc has no effect: this engine has no containerd worker"]);
    assert.equal((await load({ toml, flags: { runtime: "/opt/crun" } })).runtime, "/opt/crun");
  });

  test("names what it does not support, with file and line, and goes on", async () => {
    const { warnings } = await load({
      toml: `insecure-entitlements = ["device"]
[histories]
maxEntries = 5
[worker.oci]
stargz = "9"
proxySnapshotterPath = "b"
[frontend."buildpacks.v0"]
enabled = false
[grpc]
adress = ["x"]
[cache.gha.sign]
cmd = "sign"
`,
    });
    const file = path("buildkitd.toml");
    assert.deepEqual(warnings.toSorted(), [
      `${file}:10: grpc.adress: not supported by this engine, so it has no effect`,
      `${file}:11: cache.gha.sign: not supported by this engine, so it has no effect`,
      `${file}:2: histories: not supported by this engine, so it has no effect`,
      `${file}:5: worker.oci.stargz: not supported by this engine, so it has no effect`,
      `${file}:6: worker.oci.proxySnapshotterPath: not supported by this engine, so it has no effect`,
      `${file}:7: frontend."buildpacks.v0": not supported by this engine, so it has no effect`,
    ]);
  });

  const wrongFiles: [what: string, toml: string, message: RegExp][] = [
    [
      "no TOML",
      'debug = true\n[grpc\naddress = ["x"]',
      /^failed to load config: .*buildkitd\.toml:2:\d+: [^]*\n2:  \[grpc\n/,
    ],
    ["a key twice", "root = 'a'\nroot = 'b'", /buildkitd\.toml:2:\d+: /],
    [
      "a string where a list is wanted",
      '[grpc]\n\naddress = "tcp://x:1"',
      /buildkitd\.toml:3: grpc\.address: want a list of strings, got "tcp:\/\/x:1"$/,
    ],
    ["a list of other things", "[grpc]\naddress = [1]", /:2: grpc\.address: want a list of strings, got \[1\]$/],
    [
      "a word for a number",
      '[worker.oci]\nmax-parallelism = "4"',
      /:2: worker\.oci\.max-parallelism: want a whole number, got "4"$/,
    ],
    ["a negative number", "[grpc]\ngid = -1", /:2: grpc\.gid: want a whole number, got -1$/],
    ["a value for a table", "worker = 3", /:1: worker: want a table, got 3$/],
    [
      "a network that nobody has",
      '[worker.oci]\nnetworkMode = "b"',
      /:2: worker\.oci\.networkMode: invalid network mode: "b"$/,
    ],
    ["a snapshotter that nobody has", '[worker.oci]\nsnapshotter = "x"', /unknown snapshotter name: "x"$/],
    [
      "a containerd worker",
      "[worker.containerd]\nenabled = true",
      /:2: worker\.containerd\.enabled: "true" is not supported, because this engine has one worker/,
    ],
    [
      "a repository that is none",
      '[frontend."gateway.v0"]\n\nallowedRepositories = ["docker.io/UPPER"]',
      /:3: frontend\."gateway\.v0"\.allowedRepositories: /,
    ],
    [
      "no requests to registries",
      "[system]\nmaxRegistryConcurrency = 0",
      /:2: system\.maxRegistryConcurrency: maxRegistryConcurrency must be greater than zero; set to 0 in the/,
    ],
    [
      "an age that is none",
      '[system]\nplatformsCacheMaxAge = "old"',
      /:2: system\.platformsCacheMaxAge: invalid duration/,
    ],
    [
      "signatures to verify, which we cannot",
      "[cache.gha.verify]\nrequired = true",
      /:2: cache\.gha\.verify\.required: true is not supported: this engine cannot verify/,
    ],
    [
      "an entitlement that nobody has",
      'insecure-entitlements = ["all"]',
      /:1: insecure-entitlements: invalid entitlement : all$/,
    ],
    ["a platform that is none", '[worker.oci]\nplatforms = ["linux/"]', /:2: worker\.oci\.platforms: /],
    [
      "a mirror with a scheme",
      '[registry."docker.io"]\nmirrors = ["http://m:5000/x"]',
      /:2: registry\."docker\.io"\.mirrors: "http:\/\/m:5000\/x" names a scheme: want host\[:port\]\[\/path\], and for plain HTTP a table \[registry\."m:5000"\] with http = true$/,
    ],
    [
      "a registry that is a URL",
      '[registry."https://x"]',
      /:1: registry\."https:\/\/x": want a registry as it stands in image names/,
    ],
    [
      "a CA file that is not there",
      '[registry."x"]\nca = ["/not/there"]',
      /:2: registry\.x\.ca: cannot read the file: open \/not\/there: no such file or directory/,
    ],
    [
      "a CA file that is none",
      `[registry."x"]\nca = ["${path("group")}"]`,
      /:2: registry\.x\.ca: .*group holds no PEM certificate/,
    ],
    [
      "half a pair",
      `[registry."x"]\n[[registry."x".keypair]]\nkey = "${path("key.pem")}"`,
      /:2: registry\.x\.keypair\.0\.cert: a keypair wants both/,
    ],
    [
      "a pair of strangers",
      `[[registry."x".keypair]]\nkey = "${path("other-key.pem")}"\ncert = "${path("cert.pem")}"`,
      /:3: registry\.x\.keypair\.0\.cert: certificate and key cannot be used together/,
    ],
  ];
  for (const [what, toml, message] of wrongFiles) {
    test(`refuses a file with ${what}`, async () => {
      await assert.rejects(load({ toml }), { name: "BuildError", code: "invalid_argument", message });
    });
  }

  for (const setting of ['maxUsedSpace = "120%"', 'gckeepstorage = "much"']) {
    test(`refuses ${setting}`, async () => {
      const message = /:2: worker\.oci\.\w+: invalid disk space /;
      await assert.rejects(load({ toml: `[worker.oci]\n${setting}` }), { message });
    });
  }

  mkdirSync(path("taken"));
  writeFileSync(path("taken/buildkitd.lock"), "");
  const wrongFlags: [what: string, flags: EngineFlags, message: RegExp][] = [
    [
      "an address without a scheme",
      { addresses: ["/run/x.sock"] },
      /^address \/run\/x\.sock does not contain proto, you meant unix:\/\/\/run\/x\.sock \?$/,
    ],
    [
      "an address of another kind",
      { addresses: ["npipe:////./pipe/x"] },
      /^addr npipe:\/\/\/\/\.\/pipe\/x not supported/,
    ],
    ["an address without a port", { addresses: ["tcp://0.0.0.0"] }, /want tcp:\/\/HOST:PORT/],
    ["a port that is none", { addresses: ["tcp://0.0.0.0:70000"] }, /want tcp:\/\/HOST:PORT/],
    ["a path that no socket can have", { addresses: [`unix:///${"x".repeat(120)}`] }, /more than 107 bytes/],
    [
      "a certificate without its key",
      { tlsCert: path("cert.pem") },
      /^you must specify key and cert file if one is specified$/,
    ],
    ["an authority alone, which would mean no TLS", { tlsCa: path("ca.pem") }, /^you must specify key and cert file/],
    ["another key", { tlsCert: path("cert.pem"), tlsKey: path("other-key.pem") }, /^could not load server key pair: /],
    [
      "an authority that is not there",
      { tlsCert: path("cert.pem"), tlsKey: path("key.pem"), tlsCa: "/not/there" },
      /^could not read ca certificate: open .*: no such file or directory/,
    ],
    [
      "an authority that is none",
      { tlsCert: path("cert.pem"), tlsKey: path("key.pem"), tlsCa: path("group") },
      /^failed to append ca cert: /,
    ],
    ["an unknown group", { group: "nobody-knows" }, /^group: unknown group nobody-knows$/],
    ["an unknown entitlement", { entitlements: ["all"] }, /^invalid entitlement : all$/],
    ["an unknown level", { logLevel: "loud" }, /^not a valid logrus Level: "loud"/],
    ["an unknown format", { logFormat: "xml" }, /^unsupported log type "xml"/],
    [
      "an amount of storage that is none",
      { gcKeepStorage: "1,2,3,4" },
      /^invalid --oci-worker-gc-keepstorage "1,2,3,4"/,
    ],
    ["a label without a value", { labels: ["x"] }, /^invalid value x: want key=value$/],
    [
      "a fixed flag with another value",
      { fixed: new Map([["oci-worker", "false"]]) },
      /^--oci-worker: "false" is not supported/,
    ],
    [
      "the state directory of buildkitd",
      { root: path("taken") },
      /holds the state of buildkitd: give this engine a state directory of its own/,
    ],
  ];
  for (const [what, flags, message] of wrongFlags) {
    test(`refuses ${what}`, async () => {
      await assert.rejects(load({ flags }), { code: "invalid_argument", message });
    });
  }
});
