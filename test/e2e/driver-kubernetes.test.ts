import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type Finished, readIndex, startKubernetes } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

/** Engines in pods, behind an API server of the lab. */
const house = await openHouse();
const certificates = await house.directory();
assert.equal((await house.polyarch(["daemon", "certs", certificates])).code, 0);
const cluster = house.own(await startKubernetes(certificates));
const env = { KUBECONFIG: cluster.kubeconfig };
const polyarch = (args: readonly string[], more: Record<string, string> = {}): Promise<Finished> =>
  house.polyarch(args, { env: { ...env, ...more }, timeoutMs: 120_000 });
async function works(args: readonly string[]): Promise<Finished> {
  const done = await polyarch(args);
  assert.equal(done.code, 0, `${args.join(" ")}:\n${done.stderr}`);
  return done;
}
const deployments = "/apis/apps/v1/namespaces/builds/deployments";

suite("the kubernetes driver", () => {
  test("builds in a pod, from creation to removal", async () => {
    const options = "requests.cpu=100m,limits.memory=1Gi,env.FOO=bar,labels=team=us";
    await works(["create", "--driver=kubernetes", "--name=pods", "--node=pods_0", `--driver-opt=${options}`]);
    assert.equal(cluster.objects.size, 0);
    const { stderr } = await works(["inspect", "--bootstrap", "pods"]);
    assert.match(stderr, /^#1 \[internal\] booting buildkit$/m);
    assert.match(stderr, /waiting for 1 pod to be ready, timeout: 120s/);
    const deployment = cluster.objects.get(`${deployments}/pods-0`);
    assert.deepEqual(deployment?.["spec"], {
      replicas: 1,
      selector: { matchLabels: { app: "pods-0", team: "us" } },
      template: {
        metadata: { labels: { app: "pods-0", team: "us" }, annotations: {} },
        spec: {
          containers: [
            {
              name: "buildkitd",
              image: "polyarch/engine:stable-1",
              args: ["--allow-insecure-entitlement=network.host"],
              env: [{ name: "FOO", value: "bar" }],
              resources: { limits: { memory: "1Gi" }, requests: { cpu: "100m" } },
              readinessProbe: { exec: { command: ["buildctl", "debug", "workers"] } },
              securityContext: { privileged: true },
            },
          ],
        },
      },
    });
    assert.match((await works(["ls"])).stdout, /^ \\_ pods_0 .*running .*linux\/arm64/m);

    const context = await house.context({
      Dockerfile: `FROM ${house.base}\nRUN uname -m > /machine\nCOPY big /big\n`,
      big: "x".repeat(3_000_000),
    });
    const image = `${house.registry.host}/pods:1`;
    await works(["build", "--builder=pods", "--platform=linux/amd64,linux/arm64", "-t", image, "--push", context]);
    assert.deepEqual(
      (await readIndex(image)).map(({ platform }) => platform.architecture),
      ["amd64", "arm64"],
    );
    const out = await house.directory();
    await works(["build", "--builder=pods", "-o", `type=local,dest=${out}`, context]);
    await works(["stop", "pods"]);
    await works(["rm", "pods"]);
    assert.deepEqual([...cluster.objects.keys()], []);
  });

  test("hands its configuration over, and keeps to one of several pods", async () => {
    const config = join(await house.directory(), "buildkitd.toml");
    await writeFile(config, `[registry."registry.invalid"]\nca = ["${join(certificates, "ca.pem")}"]\n`);
    await works([
      "create",
      "--driver=kubernetes",
      "--name=many",
      "--buildkitd-config",
      config,
      "--driver-opt=replicas=2",
      "--bootstrap",
    ]);
    const maps = [...cluster.objects.values()].filter(({ kind }) => kind === "ConfigMap");
    assert.deepEqual(
      maps.map(({ metadata, data }) => [metadata.name, Object.keys(data as object)]),
      [
        ["many0-config", ["buildkitd.toml"]],
        ["many0-config-1", ["ca.pem"]],
      ],
    );
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
    const before = cluster.used.length;
    for (let at = 0; at < 3; at++) await works(["build", "--builder=many", context]);
    assert.equal(new Set(cluster.used.slice(before)).size, 1);
    await works(["rm", "many"]);
    assert.deepEqual([...cluster.objects.keys()], []);
  });

  test("says which pod does not get ready, and why", async () => {
    cluster.stall("ImagePullBackOff");
    await works(["create", "--driver=kubernetes", "--name=stuck", "--driver-opt=timeout=1s"]);
    const { code, stderr } = await polyarch(["inspect", "--bootstrap", "stuck"]);
    cluster.stall(undefined);
    assert.equal(code, 1);
    assert.match(stderr, /expected 1 replicas to be ready, got 0: pod stuck0-0: ImagePullBackOff/);
    await works(["rm", "stuck"]);
  });

  test("refuses what makes no sense, and says what would", async () => {
    for (const [option, want] of [
      ["colour=blue", /invalid driver option colour for kubernetes driver/],
      ["replicas=many", /driver option replicas: want a whole number/],
      ["requests.cpu=lots", /driver option requests\.cpu: want a quantity/],
      ["loadbalance=never", /driver option loadbalance: want sticky or random/],
      ["timeout=soon", /driver option timeout: want a duration/],
      ["labels=app=mine", /app is the driver's own/],
      ["rootless=true", /rootless=true wants an image that runs without root/],
    ] as const) {
      const { code, stderr } = await polyarch(["create", "--driver=kubernetes", `--driver-opt=${option}`]);
      assert.equal(code, 1, option);
      assert.match(stderr, want);
    }
    const nowhere = join(await house.directory(), "config");
    await writeFile(
      nowhere,
      "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\ncontexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n",
    );
    const { code, stderr } = await polyarch(["create", "--driver=kubernetes", "--name=nowhere"], {
      KUBECONFIG: nowhere,
    });
    assert.equal(code, 1);
    assert.match(stderr, /cannot reach the Kubernetes API server at http:\/\/127\.0\.0\.1:1\//);
    const nothing = await polyarch(["create", "--driver=kubernetes"], { KUBECONFIG: "/nowhere", HOME: nowhere });
    assert.match(nothing.stderr, /kubeconfig: no kubeconfig found: set KUBECONFIG/);
    assert.doesNotMatch((await works(["ls"])).stdout, /nowhere/);
  });
});
