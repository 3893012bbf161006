import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { currentPlatform, formatPlatform } from "../../oci/mod.ts";
import type { BuildOptions } from "../build-options.ts";
import { buildOptions } from "../testing/options.ts";
import { extraHost, withHostGateway } from "./extra-hosts.ts";
import { frontendAttrs } from "./frontend-attrs.ts";
import { fullPlatforms, fullTags } from "./names.ts";

suite("frontendAttrs()", () => {
  const attrs = (
    options: Partial<BuildOptions>,
    env: Record<string, string> = {},
    proxies: Record<string, string> = {},
  ) => {
    return frontendAttrs(buildOptions(options), { env, proxies });
  };
  const cases: [string, Partial<BuildOptions>, Record<string, string>][] = [
    ["nothing", {}, {}],
    [
      "platforms, normalized and each once",
      { platforms: ["linux/amd64,linux/arm64/v8", "linux/arm64", "arm"] },
      { platform: "linux/amd64,linux/arm64,linux/arm/v7" },
    ],
    ["a target", { target: "final" }, { target: "final" }],
    ["--pull", { pull: true }, { "image-resolve-mode": "pull" }],
    ["--no-cache", { noCache: true }, { "no-cache": "" }],
    ["--no-cache-filter", { noCacheFilter: ["a,b", "c"] }, { "no-cache": "a,b,c" }],
    ["a network", { network: "none" }, { "force-network-mode": "none" }],
    ["hosts", { addHosts: ["a:1.2.3.4", "b=::1", "c:[::2]"] }, { "add-hosts": "a=1.2.3.4,b=::1,c=::2" }],
    [
      "limits",
      { shmSizeBytes: 1024, ulimits: ["nofile=1:2", "core=0:0"], cgroupParent: "/x" },
      { "shm-size": "1024", ulimit: "nofile=1:2,core=0:0", "cgroup-parent": "/x" },
    ],
    ["labels", { labels: ["a=b=c", "d"] }, { "label:a": "b=c", "label:d": "" }],
  ];
  for (const [what, options, want] of cases) test(`speaks of ${what}`, () => assert.deepEqual(attrs(options), want));

  test("takes build arguments without a value from the environment, and drops those that are not there", () => {
    assert.deepEqual(attrs({ buildArgs: ["A=1", "B", "C"] }, { B: "2" }), { "build-arg:A": "1", "build-arg:B": "2" });
  });
  test("passes proxies and the epoch on unless the user says otherwise, in whatever case", () => {
    const proxies = { HTTP_PROXY: "p", http_proxy: "p", NO_PROXY: "n" };
    assert.deepEqual(attrs({ buildArgs: ["http_proxy=mine"] }, { SOURCE_DATE_EPOCH: "5" }, proxies), {
      "build-arg:NO_PROXY": "n",
      "build-arg:SOURCE_DATE_EPOCH": "5",
      "build-arg:http_proxy": "mine",
    });
    assert.equal(
      attrs({ buildArgs: ["SOURCE_DATE_EPOCH=7"] }, { SOURCE_DATE_EPOCH: "5" })["build-arg:SOURCE_DATE_EPOCH"],
      "7",
    );
  });

  const refused: [Partial<BuildOptions>, RegExp][] = [
    [{ buildArgs: ["=x"] }, /^invalid key-value pair "=x": empty key$/],
    [{ labels: ["=x"] }, /^invalid key-value pair "=x": empty key$/],
    [{ network: "bridge" }, /^network mode "bridge" not supported by buildkit/],
    [{ noCache: true, noCacheFilter: ["a"] }, /^--no-cache and --no-cache-filter cannot currently be used together$/],
    [{ platforms: ["linux/amd46/x/y"] }, /^"linux\/amd46\/x\/y": cannot parse platform specifier/],
    [{ buildArgs: ["BUILDKIT_SYNTAX="] }, /^empty BUILDKIT_SYNTAX build-arg is invalid/],
  ];
  for (const [options, message] of refused) {
    test(`refuses ${JSON.stringify(options)}`, () => assert.throws(() => attrs(options), { message }));
  }
});

test("withHostGateway() asks a Docker Engine for its machine's address, and nobody else", async () => {
  const label = { "org.mobyproject.buildkit.worker.moby.host-gateway-ip": "172.17.0.1" };
  const hosts = ["a:host-gateway", "b:1.2.3.4"].map(extraHost).join(",");
  const docker = { driver: "docker", labels: () => Promise.resolve(label) };
  assert.equal(await withHostGateway(hosts, docker), "a=172.17.0.1,b=1.2.3.4");
  const silent = { driver: "docker", labels: () => Promise.resolve({}) };
  await assert.rejects(withHostGateway(hosts, silent), { message: /for host-gateway: host-gateway IP not found$/ });
  const remote = { driver: "remote", labels: () => assert.fail("nobody is asked") };
  await assert.rejects(withHostGateway(hosts, remote), {
    message: /host-gateway is not supported by the remote driver$/,
  });
  assert.equal(await withHostGateway("b=1.2.3.4", remote), "b=1.2.3.4");
});

test("extraHost() refuses what is no host with an address", () => {
  for (const text of ["bad", "a:", ":1.2.3.4", "a:1.2.3", "a=x"]) {
    assert.throws(() => extraHost(text), { message: `invalid host ${text}` });
  }
});

test("fullTags() spells names out and refuses what an image cannot be called", () => {
  assert.deepEqual(fullTags(["x", "a/b:c", "localhost:5000/x"]), [
    "docker.io/library/x:latest",
    "docker.io/a/b:c",
    "localhost:5000/x:latest",
  ]);
  assert.throws(() => fullTags(["UPPER"]), { message: /^invalid tag "UPPER": .*must be lowercase$/ });
  assert.throws(() => fullTags([`x@sha256:${"a".repeat(64)}`]), { message: /^invalid tag/ });
});

test("fullPlatforms() knows this machine as local", () => {
  assert.deepEqual(fullPlatforms(["local"]), [formatPlatform(currentPlatform())]);
  assert.deepEqual(fullPlatforms([""]), []);
});
