import assert from "node:assert/strict";
import { copyFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { before, suite, test } from "node:test";
import {
  type LabDocker,
  must,
  polyarchProgram,
  pushEngineImage,
  readIndex,
  startDocker,
  startSshd,
} from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();
const context = await house.context({
  Dockerfile: `
    FROM ${house.base}
    RUN uname -m > /machine
    COPY word /
  `,
  word: "hello\n",
});
const build = ["build", "--progress=plain", "--network=host"];

/** Of the Docker Engine and its clients. */
const certificates = await house.directory();
let docker: LabDocker;
let image = "";
before(async () => {
  image = await pushEngineImage(house.registry.host, house);
  await must(polyarchProgram, ["daemon", "certs", certificates]);
  docker = house.own(await startDocker("sid", { certificates }));
});

const env = () => ({ ...docker.env, BUILDX_CONFIG: house.env["BUILDX_CONFIG"] ?? "" });
const polyarch = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
  house.polyarch(args, { env: { ...env(), ...more } });
const works = async (args: readonly string[], more?: Readonly<Record<string, string>>) => {
  const done = await polyarch(args, more);
  assert.equal(done.code, 0, `${args.join(" ")}: ${done.stderr}`);
  return done;
};
const inDocker = async (args: readonly string[]) => {
  const done = await docker.docker(args, { env: env() });
  assert.equal(done.code, 0, `docker ${args.join(" ")}: ${done.stderr}`);
  return done.stdout;
};
const create = (name: string, ...options: readonly string[]) => {
  const given = ["network=host", `image=${image}`, ...options].join();
  return ["create", "--name", name, "--driver", "docker-container", "--driver-opt", given];
};
const containers = async () => (await inDocker(["ps", "--all", "--format={{.Names}}"])).split("\n").filter(Boolean);
const volumes = async () => (await inDocker(["volume", "ls", "--format={{.Name}}"])).split("\n").filter(Boolean);

suite("the docker-container driver", () => {
  test("boots our engine, which builds for several platforms, pushes and loads", async () => {
    const made = await works([...create("one"), "--bootstrap"]);
    assert.match(made.stderr, /^#1 \[internal\] booting buildkit$/m);
    assert.ok(made.stderr.includes(`#1 pulling image ${image}`), made.stderr);
    assert.match(made.stderr, /^#1 creating container buildx_buildkit_one0 [\d.]+s done$/m);
    const target = `${house.registry.host}/from-container:1`;
    await works([...build, "--builder=one", "--platform=linux/amd64,linux/arm64", "-t", target, "--push", context]);
    const platforms = (await readIndex(target)).map(({ platform }) => platform.architecture);
    assert.deepEqual(platforms, ["amd64", "arm64"]);
    await works([...build, "--builder=one", "-t", "loaded:1", "--load", context]);
    assert.equal(await inDocker(["run", "--rm", "--network=none", "loaded:1", "cat", "/word"]), "hello\n");
  });

  test("shares its builders with docker buildx, both ways", async () => {
    assert.match(await inDocker(["buildx", "ls"]), /^one\*?\s+docker-container\s*\n.* one0\s.*\brunning\b/m);
    const out = await house.directory();
    await inDocker(["buildx", "build", "--builder=one", "--network=host", "-o", `type=local,dest=${out}`, context]);
    const theirs = ["buildx", "create", "--name=theirs", "--driver=docker-container", "--bootstrap"];
    await inDocker([...theirs, "--driver-opt", `network=host,image=${image}`]);
    await works([...build, "--builder=theirs", "-o", `type=local,dest=${out}`, context]);
    await works(["rm", "theirs"]);
    assert.deepEqual(await containers(), ["buildx_buildkit_one0"]);
  });

  test("stops, starts again with what it had built, and is removed with its state or without", async () => {
    await works(["stop", "one"]);
    assert.match((await works(["ls"])).stdout, /one0\s.*\bstopped\b/);
    const again = await works([...build, "--builder=one", "-o", "type=cacheonly", context]);
    assert.match(again.stderr, /^#1 starting container buildx_buildkit_one0 [\d.]+s done$/m);
    assert.match(again.stderr, /RUN uname -m > \/machine\n#\d+ CACHED/);
    await works(["rm", "--keep-state", "one"]);
    assert.deepEqual([await containers(), await volumes()], [[], ["buildx_buildkit_one0_state"]]);
    await works([...create("one"), "--bootstrap"]);
    const kept = await works([...build, "--builder=one", "-o", "type=cacheonly", context]);
    assert.match(kept.stderr, /RUN uname -m > \/machine\n#\d+ CACHED/);
    await works(["rm", "one"]);
    assert.deepEqual([await containers(), await volumes()], [[], []]);
  });

  test("makes the container that docker buildx makes, whatever the options, with configuration, certificates and keys in it", async () => {
    const directory = await house.directory();
    for (const name of ["ca", "cert", "key"]) {
      await copyFile(join(certificates, `client/${name}.pem`), join(directory, `${name}.pem`));
    }
    const toml = join(directory, "buildkitd.toml");
    const path = (name: string) => JSON.stringify(join(directory, `${name}.pem`));
    const pair = `[[registry."example.org:5000".keypair]]\n  key = ${path("key")}\n  cert = ${path("cert")}`;
    await writeFile(toml, `debug = true\n[registry."example.org:5000"]\n  ca = [${path("ca")}]\n${pair}\n`);
    const options = [
      "memory=1g",
      "memory-swap=2g",
      "cpu-period=50000",
      "cpu-quota=40000",
      "cpu-shares=512",
      "cpuset-cpus=0",
      "cpuset-mems=0",
      "cgroup-parent=/docker/mine",
      "restart-policy=on-failure:3",
      "env.A=b=c",
    ];
    const args = ["--node=two", "--buildkitd-flags=--debug", "--buildkitd-config", toml, "--bootstrap"];
    const container = "buildx_buildkit_two";
    const made = async (program: (line: readonly string[]) => Promise<unknown>) => {
      await program([...create("two", ...options), ...args]);
      const [inspected] = JSON.parse(await inDocker(["inspect", container])) as {
        Config: Record<string, unknown>;
        HostConfig: Record<string, unknown>;
        Mounts: { Name: string; Destination: string }[];
      }[];
      const { Config, HostConfig, Mounts } = inspected ?? assert.fail("no container");
      const inside = (...command: string[]) => inDocker(["exec", container, ...command]);
      const listing = 'cd /etc/buildkit && stat -c "%n %a %u:%g" . * */* */*/*';
      const files = (await inside("sh", "-c", listing)).trim().split("\n");
      const pems = await inside("sh", "-c", "cat /etc/buildkit/certs/*/*.pem");
      await works(["rm", "two"]);
      return {
        config: { ...Config, Hostname: "" },
        host: HostConfig,
        volumes: Mounts.map(({ Name, Destination }) => `${Name} ${Destination}`),
        files,
        pems,
      };
    };
    const [theirs, ours] = [await made((line) => inDocker(["buildx", ...line])), await made((line) => works(line))];
    assert.deepEqual(ours, theirs);
    const { Memory, MemorySwap, CpuPeriod, CpuQuota, CpuShares, CpusetCpus, CpusetMems, CgroupParent } = ours.host;
    assert.deepEqual(
      [Memory, MemorySwap, CpuPeriod, CpuQuota, CpuShares, CpusetCpus, CpusetMems, CgroupParent],
      [2 ** 30, 2 ** 31, 50_000, 40_000, 512, "0", "0", "/docker/mine"],
    );
    assert.deepEqual(ours.host["RestartPolicy"], { Name: "on-failure", MaximumRetryCount: 3 });
    assert.ok((ours.config as unknown as { Env: string[] }).Env.includes("A=b=c"));
    assert.ok(ours.files.includes("certs/example.org_5000/key.pem 644 0:0"), ours.files.join("\n"));
  });

  test("loads what is built without an output, and hands over what GitHub Actions says, where options want it", async () => {
    const event = join(await house.directory(), "event.json");
    await writeFile(event, '{"number":7}');
    const github = { GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "push", GITHUB_EVENT_PATH: event };
    const told = async (name: string, ...options: readonly string[]) => {
      await works([...create(name, ...options), "--bootstrap"], github);
      const path = "/etc/buildkit/provenance.d/github_actions_context.json";
      return (await docker.docker(["exec", `buildx_buildkit_${name}0`, "cat", path])).stdout;
    };
    assert.match(await told("loading", "default-load=true"), /"github_event_payload":\{"number":7\}/);
    assert.equal(await told("silent", "provenance-add-gha=false"), "");
    for (const name of ["loading", "silent"]) await works([...build, "--builder", name, "-t", `by-${name}:1`, context]);
    assert.equal(await inDocker(["run", "--rm", "--network=none", "by-loading:1", "cat", "/word"]), "hello\n");
    assert.notEqual((await docker.docker(["image", "inspect", "by-silent:1"])).code, 0);
  });

  test("removes all builders that do not run, and may leave their engines alone", async () => {
    await works(create("never"));
    await works(["stop", "silent"]);
    const removed = await works(["rm", "--all-inactive", "--force"]);
    assert.deepEqual(removed.stderr.trim().split("\n").toSorted(), ["never removed", "silent removed"]);
    const left = [["buildx_buildkit_loading0"], ["buildx_buildkit_loading0_state"]];
    assert.deepEqual([await containers(), await volumes()], left);
    await works(["rm", "--keep-daemon", "loading"]);
    assert.equal((await polyarch(["inspect", "loading"])).code, 1);
    assert.deepEqual([await containers(), await volumes()], left);
    const again = await works([...create("loading"), "--bootstrap"]);
    assert.doesNotMatch(again.stderr, /creating container/);
    assert.match((await works(["ls"])).stdout, /loading0 .* running /);
    await works(["rm", "loading"]);
    assert.deepEqual([await containers(), await volumes()], [[], []]);
  });

  test("says why an engine cannot be started, and leaves no container of it", async () => {
    const missing = `${house.registry.host}/no/engine:1`;
    await works(["create", "--name=three", "--driver=docker-container", "--driver-opt", `image=${missing}`]);
    const unpulled = await polyarch([...build, "--builder=three", context]);
    assert.equal(unpulled.code, 1);
    assert.match(unpulled.stderr, /no\/engine:1.*(not found|failed to resolve|manifest unknown)/);
    await works(["rm", "three"]);
    await works([...create("four"), "--buildkitd-flags=--nonsense"]);
    const broken = await polyarch([...build, "--builder=four", context]);
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /the engine in container buildx_buildkit_four0 does not answer/);
    assert.match(broken.stderr, /polyarchd: unknown flag: --nonsense/, "the engine's log is shown");
    await works(["rm", "--force", "four"]);
    assert.deepEqual([await containers(), await volumes()], [[], []]);
  });

  test("refuses options that make no sense, by name and in docker buildx's words", async () => {
    for (const [option, want] of [
      ["colour=blue", "invalid driver option colour for docker-container driver"],
      ["memory=lots", "want a size"],
      ["memory-swap=", "want a size"],
      ["cpu-quota=1.5", "want a whole number"],
      ["cpu-shares=99999999999999999999", "want a whole number"],
      ["env.=x", "invalid env option"],
      ["restart-policy=on-failure:often", "want no, always, on-failure[:max-retries] or unless-stopped"],
      ["restart-policy=:3", "want no, always"],
      ["default-load=maybe", "want true or false"],
    ] as const) {
      const line = ["create", "--name=bad", "--driver=docker-container", "--driver-opt", option];
      const { code, stderr } = await polyarch(line);
      assert.equal(code, 1, option);
      const theirs = await docker.docker(["buildx", ...line], { env: env() });
      const words = theirs.stderr.replace(/^ERROR: failed to initialize builder bad \(bad0\): /, "").trim();
      for (const part of [words, want]) assert.ok(stderr.includes(part), `${stderr}\n${part}`);
    }
    for (const policy of ["never", "always:3"]) {
      const { stderr } = await polyarch([
        "create",
        "--driver=docker-container",
        `--driver-opt=restart-policy=${policy}`,
      ]);
      assert.match(stderr, /invalid restart policy: .* want no, always/);
    }
    assert.doesNotMatch((await works(["ls"])).stdout, /bad/);
  });

  test("boots and builds on Docker Engines over TLS and a unix socket, with both in one builder", async () => {
    const pem = (name: string) => join(certificates, "client", `${name}.pem`);
    const files = ["ca", "cert", "key"].map((name) => `${name}=${pem(name)}`);
    await inDocker(["context", "create", "secure", "--docker", [`host=${docker.tcp}`, ...files].join()]);
    await works([...create("both"), "--platform=linux/amd64"]);
    await works([...create("both"), "--append", "--node=far", "--platform=linux/arm64", "secure"]);
    await works(["inspect", "--bootstrap", "both"]);
    const { stdout } = await works(["ls"]);
    assert.match(stdout, /^ \\_ both0 +\\_ unix:\S+ +running .*linux\/amd64\*/m);
    assert.match(stdout, /^ \\_ far +\\_ secure +running .*linux\/arm64\*/m);
    assert.deepEqual((await containers()).toSorted(), ["buildx_buildkit_both0", "buildx_buildkit_far"]);
    const target = `${house.registry.host}/over-tls:1`;
    const platforms = "--platform=linux/amd64,linux/arm64";
    await works([...build, "--builder=both", platforms, "-t", target, "--push", context]);
    assert.equal((await readIndex(target)).length, 2);
    await inDocker(["buildx", "build", "--builder=both", "--network=host", platforms, context]);
    await works(["rm", "both"]);
    assert.deepEqual(await containers(), []);

    const byContext = { DOCKER_HOST: "", DOCKER_CONTEXT: "secure" };
    await works(create("named"), byContext);
    assert.match((await works(["inspect", "named"])).stdout, /^Endpoint: +secure$[^]*^Status: +inactive$/m);
    await works(["rm", "named"]);
  });

  test("says what is wrong with TLS, and makes no builder", async () => {
    const variables = {
      DOCKER_HOST: docker.tcp,
      DOCKER_TLS_VERIFY: "1",
      DOCKER_CERT_PATH: join(certificates, "client"),
    };
    const line = [...create("wrong"), "--bootstrap"];
    const [ours, theirs] = [
      await polyarch(line, variables),
      await docker.docker(["buildx", ...line], { env: { ...env(), ...variables } }),
    ];
    assert.deepEqual([ours.code, ours.stderr], [theirs.code, theirs.stderr]);
    assert.match(ours.stderr, /docker context create/);
    const strangers = await house.directory();
    await must(polyarchProgram, ["daemon", "certs", strangers]);
    const files = ["ca", "cert", "key"].map((name) => `${name}=${join(strangers, "client", `${name}.pem`)}`);
    await inDocker(["context", "create", "strange", "--docker", [`host=${docker.tcp}`, ...files].join()]);
    for (const [endpoint, message] of [
      ["strange", /certificate/],
      [docker.tcp, /Client sent an HTTP request to an HTTPS server/],
    ] as const) {
      const { code, stderr } = await polyarch([...line, endpoint]);
      assert.equal(code, 1);
      assert.match(stderr, message);
    }
    assert.doesNotMatch((await works(["ls"])).stdout, /wrong/);
  });

  test("boots and builds on a Docker Engine that ssh leads to", async (t) => {
    const { PATH = "", LD_LIBRARY_PATH = "", DOCKER_HOST = "" } = docker.env;
    const sshd = await startSshd({ PATH, LD_LIBRARY_PATH, DOCKER_HOST });
    t.after(() => sshd[Symbol.asyncDispose]());
    const path = { PATH: [sshd.bin, process.env["PATH"]].join(delimiter) };
    await works([...create("far"), "--bootstrap", sshd.url], path);
    const target = `${house.registry.host}/over-ssh:1`;
    await works([...build, "--builder=far", "--platform=linux/amd64,linux/386", "-t", target, "--push", context], path);
    assert.equal((await readIndex(target)).length, 2);
    await works(["rm", "far"], path);
    assert.deepEqual(await containers(), []);
  });
});
