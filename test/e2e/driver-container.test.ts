import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
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

let docker: LabDocker;
let image = "";
before(async () => {
  image = await pushEngineImage(house.registry.host, house);
  docker = house.own(await startDocker("sid"));
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

  test("makes the container as its options say, and copies configuration and certificates in", async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "polyarch-config-"));
    t.after(() => rm(directory, { recursive: true }));
    await must(polyarchProgram, ["daemon", "certs", join(directory, "certs")]);
    const ca = join(directory, "ca.pem");
    await copyFile(join(directory, "certs/daemon/ca.pem"), ca);
    const toml = join(directory, "buildkitd.toml");
    await writeFile(toml, `debug = true\n[registry."example.org:5000"]\n  ca = [${JSON.stringify(ca)}]\n`);
    const options = ["memory=1g", "cpu-shares=512", "restart-policy=on-failure:3", "env.COLOR=blue"];
    await works([...create("two", ...options), "--buildkitd-config", toml, "--bootstrap"]);
    const [container] = JSON.parse(await inDocker(["inspect", "buildx_buildkit_two0"])) as {
      Config: { Env: string[]; Cmd: string[] };
      HostConfig: Record<string, unknown>;
    }[];
    const { Config, HostConfig } = container ?? assert.fail("no container");
    assert.ok(Config.Env.includes("COLOR=blue"));
    assert.deepEqual(Config.Cmd.slice(0, 2), ["--config", "/etc/buildkit/buildkitd.toml"]);
    const { Privileged, Init, Memory, CpuShares, NetworkMode, RestartPolicy, CgroupParent } = HostConfig;
    assert.deepEqual([Privileged, Init, Memory, CpuShares, NetworkMode], [true, true, 2 ** 30, 512, "host"]);
    assert.deepEqual(RestartPolicy, { Name: "on-failure", MaximumRetryCount: 3 });
    assert.equal(CgroupParent, "/docker/buildx");
    const inside = (...command: string[]) => inDocker(["exec", "buildx_buildkit_two0", ...command]);
    assert.match(
      await inside("cat", "/etc/buildkit/buildkitd.toml"),
      /"\/etc\/buildkit\/certs\/example\.org_5000\/ca\.pem"/,
    );
    assert.match(await inside("cat", "/etc/buildkit/certs/example.org_5000/ca.pem"), /BEGIN CERTIFICATE/);
    assert.equal(await inside("stat", "-c", "%a %u", "/etc/buildkit/buildkitd.toml"), "644 0\n");
    await works(["rm", "two"]);
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

  test("refuses options that make no sense, by name", async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ["colour=blue", /invalid driver option colour for docker-container driver/],
      ["memory=lots", /invalid value "lots" of driver option memory/],
      ["cpu-quota=1.5", /invalid value "1\.5" of driver option cpu-quota/],
      ["env.=x", /invalid env option/],
      ["restart-policy=never", /invalid value "never" of driver option restart-policy/],
      ["default-load=maybe", /invalid value "maybe" of driver option default-load/],
    ];
    for (const [option, message] of cases) {
      const { code, stderr } = await polyarch(["create", "--driver=docker-container", "--driver-opt", option]);
      assert.notEqual(code, 0, option);
      assert.match(stderr, message);
    }
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
