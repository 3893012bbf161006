import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadCluster } from "./kubeconfig.ts";
import { parsePodAddress } from "./kube-pod.ts";
import { parseKubernetesOptions } from "./kubernetes-options.ts";
import { choosePod, type Pod } from "./pods.ts";
import { encodeFrame, type Frame, FrameReader, opcodes } from "./websocket-frames.ts";
import { workload } from "./workload.ts";

const node = { name: "kr0", flags: ["--allow-insecure-entitlement=network.host"], files: {}, platforms: [] };

test("frames of every length are told apart, however the stream is cut", () => {
  for (const size of [0, 1, 125, 126, 65_535, 65_536]) {
    const sent = encodeFrame(opcodes.binary, new Uint8Array(size).fill(7));
    // What a server sends is the same without a mask.
    const start = size < 126 ? 2 : size < 65_536 ? 4 : 10;
    assert.equal(sent.byteLength, start + 4 + size);
    const fromServer = Buffer.concat([sent.subarray(0, start), Buffer.alloc(size, 7)]);
    fromServer[1] = (fromServer[1] ?? 0) & 0x7f;
    const reader = new FrameReader();
    const frames: Frame[] = [];
    for (const at of fromServer.keys())
      if (size < 200 || at % 4096 === 0)
        frames.push(...reader.push(fromServer.subarray(at, size < 200 ? at + 1 : at + 4096)));
    assert.deepEqual(
      frames.map(({ opcode, last, payload }) => [opcode, last, payload.byteLength]),
      [[opcodes.binary, true, size]],
    );
  }
  assert.throws(() => [...new FrameReader().push(encodeFrame(opcodes.text, new Uint8Array(3)))], /no server may send/);
});

test("kube-pod:// names a pod, and maybe where that is", () => {
  const rest = { context: "", namespace: "", container: "" };
  assert.deepEqual(parsePodAddress("kube-pod://engine-0"), { pod: "engine-0", ...rest });
  assert.deepEqual(parsePodAddress("kube-pod://e.0?context=My%20Lab&namespace=builds&container=buildkitd"), {
    pod: "e.0",
    context: "My Lab",
    namespace: "builds",
    container: "buildkitd",
  });
  for (const [endpoint, message] of [
    ["kube-pod://", /url lacks pod name/],
    ["kube-pod://Engine", /unsupported pod name: "Engine"/],
    ["kube-pod://engine?namespace=a/b", /unsupported namespace name: "a\/b"/],
    ["kube-pod://engine?container=$x", /unsupported container name: "\$x"/],
  ] as const) {
    assert.throws(() => parsePodAddress(endpoint), { code: "invalid_argument", message });
  }
});

test("a cluster is reached by its own proxy, or by the environment's, which stands before no engine of this machine", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-kubeconfig-"));
  t.after(() => rm(directory, { recursive: true }));
  const env = { HTTPS_PROXY: "http://proxy:3128", no_proxy: ".here", HOME: directory };
  const proxies = async (cluster: string) => {
    const file = join(directory, "config");
    const context = "contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n";
    await writeFile(file, `clusters: [{name: c, cluster: ${cluster}}]\n${context}`);
    return (await loadCluster(file, env)).proxies;
  };
  assert.deepEqual(await proxies("{server: 'https://far:6443'}"), { HTTPS_PROXY: env.HTTPS_PROXY, no_proxy: ".here" });
  for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
    assert.deepEqual(await proxies(`{server: 'https://${host}:6443'}`), {});
  }
  const own = "http://own:1";
  assert.deepEqual(await proxies(`{server: 'https://127.0.0.1', proxy-url: '${own}'}`), {
    HTTP_PROXY: own,
    HTTPS_PROXY: own,
  });
  await assert.rejects(proxies("{server: 'https://far', proxy-url: 'socks5://own:1'}"), { message: /want http:\/\// });
});

test("a key keeps its pod while other pods come and go", () => {
  const pod = (name: string, phase = "Running"): Pod => ({ metadata: { name }, status: { phase } });
  const pods = ["a", "b", "c", "d"].map((name) => pod(name));
  const chosen = choosePod(pods, "/work")?.metadata.name ?? assert.fail();
  const rest = pods.filter(({ metadata }) => metadata.name !== chosen);
  for (const gone of rest) {
    const left = [...pods.filter((candidate) => candidate !== gone), pod("e", "Pending")];
    assert.equal(choosePod(left, "/work")?.metadata.name, chosen);
  }
  assert.notEqual(choosePod(rest, "/work"), undefined);
  assert.equal(choosePod([pod("x", "Pending")], undefined), undefined);
});

test("options become the objects that docker buildx makes of them", () => {
  const options = parseKubernetesOptions({
    rootless: "true",
    "buildkit-root-volume-memory": "1Gi",
    tolerations: "key=foo,value=bar;key=foo2,operator=exists,effect=NoSchedule",
    nodeselector: "a=b,c=d",
    "qemu.install": "true",
  });
  const { engine } = workload({ ...node, platforms: [{ os: "linux", architecture: "arm64" }] }, options);
  assert.deepEqual(engine.metadata["annotations"], {
    "container.apparmor.security.beta.kubernetes.io/buildkitd": "unconfined",
    "buildx.docker.com/platform": "linux/arm64",
  });
  const { template } = engine["spec"] as { template: { spec: Record<string, unknown> } };
  assert.deepEqual(template.spec, {
    containers: [
      {
        name: "buildkitd",
        image: "moby/buildkit:buildx-stable-1-rootless",
        args: ["--allow-insecure-entitlement=network.host", "--oci-worker-no-process-sandbox"],
        resources: {},
        volumeMounts: [{ name: "buildkitd", mountPath: "/home/user/.local/share/buildkit" }],
        readinessProbe: { exec: { command: ["buildctl", "debug", "workers"] } },
        securityContext: { seccompProfile: { type: "Unconfined" } },
      },
    ],
    volumes: [{ name: "buildkitd", emptyDir: { medium: "Memory", sizeLimit: "1Gi" } }],
    nodeSelector: { a: "b", c: "d" },
    tolerations: [
      { key: "foo", value: "bar" },
      { key: "foo2", operator: "exists", effect: "NoSchedule" },
    ],
    initContainers: [
      {
        name: "qemu",
        image: "tonistiigi/binfmt:latest",
        args: ["--install", "all"],
        resources: {},
        securityContext: { privileged: true },
      },
    ],
  });
  const claimed = workload(node, parseKubernetesOptions({ "persistent-volume-claim.requests.storage": "5Gi" }));
  assert.equal(claimed.engine.kind, "StatefulSet");
});
