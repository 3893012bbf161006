import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { BuildError } from "../../base/errors/mod.ts";
import { readTar } from "../../tar/mod.ts";
import type { DriverFeatures } from "../driver.ts";
import { configArchive } from "./docker-container/config-archive.ts";
import { defaultEngineImage, parseContainerOptions } from "./docker-container/container-options.ts";
import { containerSpec } from "./docker-container/container-spec.ts";
import { githubContext } from "./docker-container/github-context.ts";
import { startWithGpus } from "./docker-container/gpus.ts";
import { parseRemoteOptions } from "./remote/remote-options.ts";
import { requireFeature } from "./require-feature.ts";

const info = { cgroupDriver: "cgroupfs", userNamespaces: false };
const node = { name: "b0", flags: ["--debug"], files: {} };
const hostConfig = (options: Record<string, string>, engine = info) =>
  containerSpec(node, parseContainerOptions(options), engine)["HostConfig"] as Record<string, unknown>;

suite("the docker-container driver's container", () => {
  test("has the machine's GPUs, where there are any", async () => {
    const spec = containerSpec(node, parseContainerOptions({}), info);
    const started = async (outcomes: readonly (Error | undefined)[]) => {
      const requests: unknown[] = [];
      await startWithGpus(spec, ({ HostConfig }) => {
        const failure = outcomes[requests.push((HostConfig as Record<string, unknown>)["DeviceRequests"]) - 1];
        return failure ? Promise.reject(failure) : Promise.resolve();
      });
      return requests;
    };
    const all = [{ Count: -1, Capabilities: [["gpu"]] }];
    assert.deepEqual(await started([undefined]), [all]);
    const words = 'Error response from daemon: could not select device driver "" with capabilities: [[gpu]]';
    assert.deepEqual(await started([new BuildError("unknown", words)]), [all, undefined]);
    await assert.rejects(started([new BuildError("unknown", "no space left on device")]), { message: /no space/ });
  });
  test("is what docker buildx makes where no option is given", () => {
    assert.deepEqual(containerSpec(node, parseContainerOptions({}), info), {
      Image: defaultEngineImage,
      Env: [],
      Cmd: ["--debug"],
      HostConfig: {
        Privileged: true,
        Init: true,
        RestartPolicy: { Name: "unless-stopped", MaximumRetryCount: 0 },
        Mounts: [{ Type: "volume", Source: "buildx_buildkit_b0_state", Target: "/var/lib/buildkit" }],
        CgroupParent: "/docker/buildx",
      },
    });
  });
  test("follows its options", () => {
    const cases: readonly (readonly [Record<string, string>, string, unknown])[] = [
      [{ network: "host" }, "NetworkMode", "host"],
      [{ memory: "1.5g" }, "Memory", 1.5 * 2 ** 30],
      [{ "memory-swap": "-1" }, "MemorySwap", -1],
      [{ "cpu-quota": "-1" }, "CpuQuota", -1],
      [{ "cpu-period": "100000" }, "CpuPeriod", 100_000],
      [{ "cpu-shares": "2" }, "CpuShares", 2],
      [{ "cpuset-cpus": "0-3" }, "CpusetCpus", "0-3"],
      [{ "cpuset-mems": "0" }, "CpusetMems", "0"],
      [{ "cgroup-parent": "/mine" }, "CgroupParent", "/mine"],
      [{ "restart-policy": "on-failure:4" }, "RestartPolicy", { Name: "on-failure", MaximumRetryCount: 4 }],
      [{ network: "" }, "NetworkMode", undefined],
    ];
    for (const [options, field, want] of cases) assert.deepEqual(hostConfig(options)[field], want, field);
    const { env, defaultLoad } = parseContainerOptions({ "env.A": "1", "env.B": "x=y", "default-load": "true" });
    assert.deepEqual([env, defaultLoad], [["A=1", "B=x=y"], true]);
  });
  test("fits the Docker Engine", () => {
    assert.equal(
      hostConfig({ "cgroup-parent": "/x" }, { ...info, cgroupDriver: "systemd" })["CgroupParent"],
      undefined,
    );
    assert.equal(hostConfig({}, { ...info, userNamespaces: true })["UsernsMode"], "host");
  });
  test("is told of its configuration before its flags", () => {
    const files = { "buildkitd.toml": new Uint8Array() };
    const { Cmd } = containerSpec({ ...node, files }, parseContainerOptions({}), info);
    assert.deepEqual(Cmd, ["--config", "/etc/buildkit/buildkitd.toml", "--debug"]);
  });
  test("gets its files with the directories they are in", async () => {
    const files = { "certs/a.example_5000/ca.pem": Buffer.from("CA"), "buildkitd.toml": Buffer.from("debug = true") };
    const seen: unknown[] = [];
    for await (const event of readTar(configArchive(files, new Date(1000)))) {
      if (event.type !== "entry") continue;
      const { name, mode, uid, size } = event.entry;
      seen.push([name.replace(/\/$/, ""), mode.toString(8), uid, size]);
    }
    assert.deepEqual(seen, [
      ["buildkit", "755", 0, 0],
      ["buildkit/certs", "755", 0, 0],
      ["buildkit/certs/a.example_5000", "755", 0, 0],
      ["buildkit/certs/a.example_5000/ca.pem", "644", 0, 2],
      ["buildkit/buildkitd.toml", "644", 0, 12],
    ]);
  });
  test("learns of the GitHub Actions run that makes it, whole groups only", async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "polyarch-github-"));
    t.after(() => rm(directory, { recursive: true }));
    const path = join(directory, "event.json");
    await writeFile(path, '{"after":"abc"}');
    const env = { GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "push", GITHUB_EVENT_PATH: path };
    const told = async (more: Record<string, string>) => {
      const bytes = await githubContext({ ...env, ...more });
      return bytes && (JSON.parse(Buffer.from(bytes).toString()) as unknown);
    };
    const event = { github_event_name: "push", github_event_payload: { after: "abc" } };
    assert.deepEqual(await told({ GITHUB_ACTOR: "somebody" }), event);
    const actor = { GITHUB_ACTOR: "somebody", GITHUB_ACTOR_ID: "1", GITHUB_TRIGGERING_ACTOR: "other" };
    assert.deepEqual(await told(actor), {
      ...event,
      github_actor: "somebody",
      github_actor_id: "1",
      github_triggering_actor: "other",
    });
    assert.equal(await told({ GITHUB_ACTIONS: "" }), undefined);
    await assert.rejects(told({ GITHUB_EVENT_PATH: `${path}x` }), /failed to read GITHUB_EVENT_PATH/);
  });
});

test("parseRemoteOptions() wants whole sets of absolute paths", () => {
  const tls = { ca: "/ca", cert: undefined, key: undefined, serverName: undefined };
  assert.deepEqual(parseRemoteOptions({}), { defaultLoad: false });
  assert.deepEqual(parseRemoteOptions({ cacert: "/ca", "default-load": "1" }), { tls, defaultLoad: true });
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ servername: "x" }, "tls enabled, but missing keys cacert"],
    [{ cert: "/c" }, "tls enabled, but missing keys cacert, key"],
    [{ cacert: "/ca", key: "/k" }, "tls enabled, but missing keys cert"],
    [{ cacert: "ca" }, "non-absolute path 'ca' provided for cacert"],
    [{ image: "x" }, "invalid driver option image for remote driver"],
  ];
  for (const [options, message] of cases) assert.throws(() => parseRemoteOptions(options), { message });
});

test("requireFeature() refuses in docker buildx's words, and says what helps", () => {
  const classic: DriverFeatures = {
    ociExporter: false,
    dockerExporter: false,
    cacheExport: false,
    attestation: false,
    multiPlatform: false,
    directPush: false,
    preferImageDigest: false,
    defaultLoad: true,
  };
  const remedy = "Switch to a different driver, or turn on the containerd image store, and try again.";
  assert.throws(() => requireFeature("cacheExport", "docker", classic), {
    code: "unimplemented",
    message: `Cache export is not supported for the docker driver.\n${remedy}`,
  });
  assert.throws(() => requireFeature("attestation", "docker", classic), /^BuildError: Attestation is not supported/);
  requireFeature("cacheExport", "docker", { ...classic, cacheExport: true });
});
