import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type Finished, type LabObject, readIndex, run, startKubernetes, unpackDocker } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

/** Engines in pods, behind an API server of the lab. */
const house = await openHouse();
const certificates = await house.directory();
assert.equal((await house.polyarch(["daemon", "certs", certificates])).code, 0);
const cluster = house.own(await startKubernetes(certificates));
const buildxProgram = join((await unpackDocker("sid")).plugins[0] ?? "", "docker-buildx");
const env = { ...house.env, KUBECONFIG: cluster.kubeconfig };
type Program = (args: readonly string[], more?: Record<string, string>) => Promise<Finished>;
const polyarch: Program = (args, more = {}) => house.polyarch(args, { env: { ...env, ...more }, timeoutMs: 120_000 });
const buildx: Program = (args, more = {}) => run(buildxProgram, args, { env: { ...env, ...more }, timeoutMs: 120_000 });
async function works(args: readonly string[], program = polyarch): Promise<Finished> {
  const done = await program(args);
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
    assert.match(stderr, /waiting for 1 pods to be ready, timeout: 2 minutes/);
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

  test("makes what docker buildx makes, and either uses what the other has made", async () => {
    const config = join(await house.directory(), "buildkitd.toml");
    await writeFile(config, `[registry."registry.invalid"]\n  ca = ["${join(certificates, "ca.pem")}"]\n`);
    const image = "image=polyarch/engine:stable-1";
    const everything = [
      "replicas=2",
      "requests.cpu=100m",
      "requests.memory=1Gi",
      "requests.ephemeral-storage=2Gi",
      "limits.cpu=1500m",
      "limits.memory=2Gi",
      "limits.ephemeral-storage=3Gi",
      "schedulername=ours",
      "serviceaccount=builder",
      "loadbalance=random",
      "qemu.install=true",
      "qemu.image=example.org/binfmt:1",
      '"nodeselector=disk=ssd,zone=a"',
      '"annotations=a1=v1,a2=v2"',
      '"labels=team=us,cost=low"',
      '"tolerations=key=a,value=b;key=c,operator=Exists,effect=NoExecute,tolerationSeconds=60"',
      "timeout=90s",
      "default-load=false",
      "env.FOO=bar",
      image,
    ].join(",");
    const cases: readonly (readonly string[])[] = [
      [`--driver-opt=${everything}`, "--buildkitd-config", config],
      [
        `--driver-opt=namespace=elsewhere,buildkit-root-volume-memory=1Gi,${image}`,
        "--platform=linux/arm64,linux/amd64",
      ],
      ["--driver-opt=rootless=true", "--buildkitd-flags=--debug"],
    ];
    for (const [at, args] of cases.entries()) {
      const made = async (program: Program, name: string) => {
        await works(["create", "--driver=kubernetes", "--name", name, "--node=same", "--bootstrap", ...args], program);
        const objects = new Map([...cluster.objects].map(([path, object]) => [path, essence(object)]));
        if (at > 0) await works(["rm", name], program);
        return objects;
      };
      const theirs = await made(buildx, "theirs");
      if (at === 0) await useBoth("theirs");
      const ours = await made(polyarch, "ours");
      assert.deepEqual(ours, theirs, args.join(" "));
      if (at === 0) await useBoth("ours");
    }
    assert.deepEqual([...cluster.objects.keys()], []);

    /** Both programs list a builder that one of them has made, show it and build with it; who has not made it removes it. */
    async function useBoth(name: string): Promise<void> {
      for (const args of [["ls"], ["ls", "--format=json"], ["inspect", name]]) {
        // buildx shows options and files in no order, and which pod is asked is left to chance
        const shown = async (program: Program) =>
          (await works(args, program)).stdout
            .replaceAll(/"IDs":\["\w+"\],/g, "")
            .split("\n")
            .filter((line) => args[0] === "inspect" || line.includes("same"))
            .map((line) => line.split(/ +/).toSorted().join(" "))
            .toSorted();
        const [ours, theirs] = await Promise.all([shown(polyarch), shown(buildx)]);
        assert.deepEqual(ours, theirs, args.join(" "));
        if (args.length === 1) assert.equal(ours.length, 2, "one line for each pod");
      }
      const context = await house.context({ Dockerfile: "FROM scratch\nCOPY big /big\n", big: "x".repeat(3_000_000) });
      const dest = await house.directory();
      for (const program of [buildx, polyarch]) {
        await works(["build", `--builder=${name}`, "-o", `type=local,dest=${dest}`, context], program);
      }
      await works(["rm", name], name === "ours" ? buildx : polyarch);
      assert.deepEqual([...cluster.objects.keys()], []);
    }
  });

  test("hands its configuration over, and keeps to one of several pods", async () => {
    const config = join(await house.directory(), "buildkitd.toml");
    const registry = `[registry."registry.invalid"]\nca = ["${join(certificates, "ca.pem")}"]\n`;
    await writeFile(config, registry);
    const create = ["create", "--driver=kubernetes", "--name=many", "--buildkitd-config", config];
    await works([...create, "--driver-opt=replicas=2"]);
    const boot = () => works(["inspect", "--bootstrap", "many"]);
    await Promise.all([boot(), boot()]); // two at the same time make one of it
    const maps = () =>
      [...cluster.objects.values()]
        .filter(({ kind }) => kind === "ConfigMap")
        .map(({ metadata, data }) => [metadata.name, data as Record<string, string>] as const);
    assert.deepEqual(
      maps().map(([name, data]) => [name, Object.keys(data)]),
      [
        ["many0-config", ["buildkitd.toml"]],
        ["many0-config-1", ["ca.pem"]],
      ],
    );
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
    const before = cluster.used.length;
    for (let at = 0; at < 3; at++) await works(["build", "--builder=many", context]);
    assert.equal(new Set(cluster.used.slice(before)).size, 1);
    // What is left of a node that somebody has taken away is brought up to date.
    await cluster.lose(`${deployments}/many0`);
    await works(["rm", "--keep-daemon", "many"]);
    await writeFile(config, `debug = true\n${registry}`);
    await works([...create, "--bootstrap"]);
    assert.match(maps()[0]?.[1]["buildkitd.toml"] ?? "", /^debug = true$/m);
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

  test("is reached as a remote engine by the name of a pod", async () => {
    await works(["create", "--driver=kubernetes", "--name=away", "--bootstrap"]);
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
    for (const [at, query] of ["", "?namespace=builds&container=buildkitd&context=lab"].entries()) {
      const name = `pod${at}`;
      await works(["create", `--name=${name}`, "--driver=remote", `kube-pod://away0-0${query}`]);
      assert.match((await works(["ls"])).stdout, new RegExp(`^ \\\\_ ${name}0 .*kube-pod://away0-0.* running `, "m"));
      await works(["build", `--builder=${name}`, context]);
    }
    for (const [endpoint, message] of [
      ["kube-pod://nobody", /pods "nobody" not found in namespace builds/],
      ["kube-pod://away0-0?context=none", /kubeconfig: context "none" does not exist/],
    ] as const) {
      await works(["create", "--name=wrong", "--driver=remote", endpoint]);
      const { code, stderr } = await polyarch(["build", "--builder=wrong", context]);
      assert.equal(code, 1, endpoint);
      assert.match(stderr, message);
      await works(["rm", "wrong"]);
    }
    await works(["rm", "away", "pod0", "pod1"]);
  });

  test("is reached through the proxy that the kubeconfig names", async (t) => {
    const asked: string[] = [];
    const proxy = createServer().on("connect", ({ url = "" }, socket, head) => {
      asked.push(url);
      const [host, port] = url.split(":");
      const onward = connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        onward.write(head);
        socket.pipe(onward).pipe(socket);
      });
      for (const [from, to] of [[socket, onward] as const, [onward, socket] as const])
        from.on("error", () => to.destroy());
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    t.after(() => proxy.close());
    const behind = join(await house.directory(), "config");
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const direct = await readFile(cluster.kubeconfig, "utf8");
    await writeFile(behind, direct.replace("cluster: {", `cluster: {proxy-url: "${address}", `));
    const more = { KUBECONFIG: behind };
    const made = await polyarch(["create", "--driver=kubernetes", "--name=behind", "--bootstrap"], more);
    assert.equal(made.code, 0, made.stderr);
    assert.match((await polyarch(["ls"], more)).stdout, /^ \\_ behind0 .* running /m);
    assert.equal((await polyarch(["rm", "behind"], more)).code, 0);
    assert.deepEqual(new Set(asked).size, 1);
    assert.ok(direct.includes(asked[0] ?? ""));
  });

  test("refuses what makes no sense in docker buildx's words, and says what would", async () => {
    for (const [option, want] of [
      ["colour=blue"],
      ["replicas=many", "want a whole number"],
      ["requests.cpu=lots", "want a quantity"],
      ["persistent-volume-claim.requests.storage=lots", "want a quantity"],
      ["loadbalance=never", "want sticky or random"],
      ["timeout=soon", "want a duration"],
      ["labels=app=mine", "want other names"],
      ["annotations=buildx.docker.com/platform=x", "want other names"],
      ["nodeselector=ssd", "want key=value pairs"],
      ["tolerations=colour=blue", "want key, operator, value, effect or tolerationSeconds"],
      ["rootless=maybe", "want true or false"],
      ["qemu.install=", "want true or false"],
      ["env.=x"],
    ] as const) {
      const create = ["create", "--driver=kubernetes", "--name=bad", "--driver-opt", option];
      const { code, stderr } = await polyarch(create);
      assert.equal(code, 1, option);
      const theirs = (await buildx(create)).stderr
        .replace(/^ERROR: failed to initialize builder bad \(bad0\): /, "")
        .trim();
      if (!option.startsWith("persistent")) assert.ok(stderr.includes(theirs), `${stderr}${theirs}`);
      if (want !== undefined) assert.ok(stderr.includes(want), stderr);
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

/** An object without what may be written in several ways: what is empty in it, the order of volumes, and the spaces and parents of tables of TOML. */
function essence(object: LabObject): unknown {
  return JSON.parse(JSON.stringify(object), (key: string, value: unknown) => {
    if (key === "buildkitd.toml") return (value as string).replace("[registry]\n", "").replaceAll(/\s+/g, "");
    if (key === "volumes" || key === "volumeMounts")
      return (value as object[]).map((item) => JSON.stringify(item)).toSorted();
    const isEmpty = (key === "annotations" || key === "resources") && Object.keys(value as object).length === 0;
    return isEmpty ? undefined : value;
  });
}
