import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { loadConfigFiles } from "./config-files.ts";
import { parseDriverOpts } from "./create.ts";
import { daemonFlags, splitWords } from "./daemon-flags.ts";
import { checkRemoteEndpoint, fullDockerHost } from "./endpoint.ts";

suite("endpoints", () => {
  for (const [text, want] of [
    ["unix:///x.sock", "unix:///x.sock"],
    ["unix://", "unix:///var/run/docker.sock"],
    ["tcp://h", "tcp://h:2376"],
    ["tcp://h:1", "tcp://h:1"],
    ["tcp://[::1]:7", "tcp://[::1]:7"],
    ["tcp://[::1]", "tcp://[::1]:2376"],
    ["h:1", "tcp://h:1"],
    ["tcp://:5", "tcp://localhost:5"],
    ["ssh://me@h", "ssh://me@h"],
    ["", "tcp://localhost:2376"],
  ] as const) {
    test(`fullDockerHost(${JSON.stringify(text)}) is ${want}`, () =>
      assert.equal(fullDockerHost(text, { tls: true }), want));
  }
  test("fullDockerHost() knows both usual ports", () =>
    assert.equal(fullDockerHost("h", { tls: false }), "tcp://h:2375"));
  test("fullDockerHost() refuses in Docker's words", () => {
    assert.throws(() => fullDockerHost("foo://x", { tls: true }), { message: "invalid bind address format: foo://x" });
    assert.throws(() => fullDockerHost("unix://tcp://x", { tls: true }), {
      message: "invalid proto, expected unix: tcp://x",
    });
  });
  test("checkRemoteEndpoint() takes the schemes that buildx takes", () => {
    for (const scheme of ["docker-container", "kube-pod", "npipe", "ssh", "tcp", "unix"])
      checkRemoteEndpoint(`${scheme}://x`);
    assert.throws(() => checkRemoteEndpoint("http://x"), { message: /^unrecognized url scheme http/ });
    assert.throws(() => checkRemoteEndpoint("x"), { message: /^unrecognized url scheme / });
  });
});

suite("daemonFlags()", () => {
  const host = "--allow-insecure-entitlement=network.host";
  const base = { text: "", driver: "docker-container", driverOpts: {}, configEntitlements: [] };
  for (const [name, input, want] of [
    ["lets containers use their network", base, [host]],
    ["keeps what was said", { ...base, text: "--debug --x 'a b'" }, ["--debug", "--x", "a b", host]],
    [
      "adds nothing when entitlements are given",
      { ...base, text: "--allow-insecure-entitlement security.insecure" },
      ["--allow-insecure-entitlement", "security.insecure"],
    ],
    [
      "adds it for network=host all the same",
      { ...base, text: "--allow-insecure-entitlement=security.insecure", driverOpts: { network: "host" } },
      ["--allow-insecure-entitlement=security.insecure", host],
    ],
    ["does not add it twice", { ...base, text: host, driverOpts: { network: "host" } }, [host]],
    ["leaves it to the configuration file", { ...base, configEntitlements: ["network.host"] }, undefined],
    ["adds nothing for engines elsewhere", { ...base, driver: "remote" }, undefined],
  ] as const) {
    test(name, () => assert.deepEqual(daemonFlags(input), want));
  }
  test("splits as a shell does", () => {
    assert.deepEqual(splitWords(`a "b \\"c" 'd\\e' f\\ g # end`), ["a", 'b "c', "d\\e", "f g"]);
    assert.deepEqual(splitWords(`"" x`), ["", "x"]);
    assert.throws(() => splitWords("'a"), {
      message: "failed to parse buildkit flags: EOF found when expecting closing quote",
    });
  });
});

suite("parseDriverOpts()", () => {
  test("reads lists, with commas in quotes", () => {
    assert.deepEqual(parseDriverOpts(["a=b,c=d=e", '"f=g,h"']), { a: "b", c: "d=e", f: "g,h" });
    assert.equal(parseDriverOpts([]), undefined);
    assert.throws(() => parseDriverOpts(["x"]), { message: 'invalid value "x", expecting k=v' });
  });
});

suite("loadConfigFiles()", () => {
  test("takes certificates along and points to where they will lie", async (t) => {
    const dir = await mkdtemp(join(tmpdir(), "polyarch-config-"));
    t.after(() => rm(dir, { recursive: true }));
    for (const name of ["ca.pem", "key.pem", "cert.pem"]) await writeFile(join(dir, name), name);
    const config = [
      "debug = true",
      'insecure-entitlements = ["network.host"]',
      '[registry."my.io:5000"]',
      '  mirrors = ["mirror.io"]',
      `  ca = ["${dir}/ca.pem"]`,
      '  [[registry."my.io:5000".keypair]]',
      `    key = "${dir}/key.pem"`,
      '    cert = "cert.pem"',
      "[worker.oci]",
      "  unknown-to-us = 7",
    ].join("\n");
    await writeFile(join(dir, "b.toml"), config);
    const { files, entitlements } = await loadConfigFiles("b.toml", dir);
    const text = (path: string) => Buffer.from(files[path] ?? []).toString();
    assert.deepEqual(entitlements, ["network.host"]);
    assert.deepEqual(Object.keys(files).toSorted(), [
      "buildkitd.toml",
      "certs/my.io_5000/ca.pem",
      "certs/my.io_5000/cert.pem",
      "certs/my.io_5000/key.pem",
    ]);
    assert.equal(text("certs/my.io_5000/cert.pem"), "cert.pem");
    const rewritten = text("buildkitd.toml");
    assert.match(rewritten, /ca = \[ "\/etc\/buildkit\/certs\/my.io_5000\/ca.pem" \]/);
    assert.match(rewritten, /key = "\/etc\/buildkit\/certs\/my.io_5000\/key.pem"/);
    assert.match(rewritten, /cert = "\/etc\/buildkit\/certs\/my.io_5000\/cert.pem"/);
    assert.match(rewritten, /unknown-to-us = 7/);
    assert.match(rewritten, /mirrors = \[ "mirror.io" \]/);
    const refused = async (toml: string, message: RegExp) => {
      await writeFile(join(dir, "bad.toml"), toml);
      await assert.rejects(loadConfigFiles("bad.toml", dir), { code: "invalid_argument", message });
    };
    await refused("a = [", /^failed to load buildkit configuration file: bad.toml: /);
    await refused('[registry."x"]\nca = ["/gone.pem"]', /^failed to read CA file: \/gone.pem: /);
    await refused('[[registry."x".keypair]]\nkey = "/gone.pem"', /^failed to read key file: \/gone.pem: /);
    await refused('[[registry."x".keypair]]\ncert = "/gone.pem"', /^failed to read cert file: \/gone.pem: /);
    await refused("registry = 7", /registry is not a table/);
    await assert.rejects(loadConfigFiles("gone.toml", dir), {
      message: /^buildkit configuration file not found: gone.toml: /,
    });
  });
});
