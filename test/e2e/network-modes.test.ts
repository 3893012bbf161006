import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type LabEngine,
  type LabNetwork,
  makeBaseImages,
  must,
  openOwnNetwork,
  polyarchProgram,
  run,
  startEngine,
  unpackCniPlugins,
} from "../lab/mod.ts";

const home = await mkdtemp(join(tmpdir(), "polyarch-networks-"));
after(() => rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
const at = (path: string) => join(home, path);
const socket = at("engine.sock");
const env = { BUILDX_CONFIG: at("buildx"), DOCKER_CONFIG: at("docker"), BUILDX_BUILDER: "" };

let plugins = "";
let base = "";
before(async () => {
  plugins = await unpackCniPlugins();
  base = `oci-layout://${await makeBaseImages()}:latest`;
  await must(polyarchProgram, ["create", "--name", "lab", "--driver", "remote", "--use", `unix://${socket}`], { env });
});

/** A context whose Dockerfile stands on the base image and goes on with these lines. */
async function context(...lines: readonly string[]): Promise<string> {
  const directory = await mkdtemp(at("context-"));
  await writeFile(join(directory, "Dockerfile"), ["FROM base", ...lines, ""].join("\n"));
  return directory;
}

const buildArgs = (directory: string, ...args: string[]) => [
  "build",
  "--progress=plain",
  "--no-cache",
  `--build-context=base=${base}`,
  ...args,
  directory,
];

/** Builds, and returns what the steps said. */
async function build(lines: readonly string[], ...args: string[]): Promise<string> {
  const done = await run(polyarchProgram, buildArgs(await context(...lines), ...args), { env });
  assert.equal(done.code, 0, done.stderr);
  return done.stderr;
}

/** A build that must fail, with what it said. */
async function fails(lines: readonly string[], ...args: string[]): Promise<string> {
  const done = await run(polyarchProgram, buildArgs(await context(...lines), ...args), { env });
  assert.notEqual(done.code, 0);
  return done.stderr;
}

/** Waits until something is so; the engine takes networks apart behind our back. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    assert.ok(tries < 2400, `never came: ${what}`);
    await sleep(50);
  }
}

const devices = "echo devices: $(grep -o '^ *[a-z0-9]*:' /proc/net/dev)";
const addresses = (text: string) => [...text.matchAll(/inet (10\.\d+\.\d+\.\d+)\/\d+/g)].map((match) => match[1] ?? "");

suite("a bridge of the engine's own", () => {
  let network: LabNetwork;
  const leases = async () =>
    (await network.list("/var/lib/cni/networks/buildkit")).filter((name) => name.startsWith("10."));
  const chains = async () => (await network.rules()).filter((rule) => /^:CNI-[0-9a-f]{24}/.test(rule));
  const start = async (...args: string[]) =>
    await startEngine(
      [
        "--oci-worker-net=bridge",
        `--oci-cni-binary-dir=${plugins}`,
        `--addr=unix://${socket}`,
        `--root=${at("root")}`,
        ...args,
      ],
      network.inside,
    );
  before(async () => {
    network = await openOwnNetwork();
  });
  after(() => network[Symbol.asyncDispose]());

  test("each step has a network of its own, or none, or the engine's where that was granted; none is left", async () => {
    const engine = await start("--allow-insecure-entitlement=network.host", "--oci-cni-pool-size=2");
    try {
      const shown = await must(polyarchProgram, ["inspect", "lab"], { env });
      assert.match(shown, /org\.mobyproject\.buildkit\.worker\.network:\s+cni$/m);
      const steps = ["", "--network=default", "--network=none"].map(
        (flag) => `RUN ${flag} ip -4 addr; ${devices}; grep nameserver /etc/resolv.conf`,
      );
      const said = await build(
        [...steps, `RUN --network=host ${devices}`, "RUN ping -c1 -w60 10.10.0.1"],
        "--allow=network.host",
      );
      const own = addresses(said);
      assert.equal(own.length, 2, said);
      assert.equal(new Set(own).size, 2, `no address twice: ${own.join(", ")}`);
      const seen = [...said.matchAll(/^#\d+ [\d.]+ devices: (.*)$/gm)].map((match) => match[1]?.split(" ").toSorted());
      assert.deepEqual(seen.slice(0, 3), [["eth0:", "lo:"], ["eth0:", "lo:"], ["lo:"]]);
      assert.ok(seen[3]?.includes("buildkit0:"), said);
      assert.doesNotMatch(said, /nameserver (127\.|::1)/);
      assert.match(said, /1 packets received/);
      assert.match(await fails(["RUN --network=host true"]), /network\.host is not allowed/);
      // A network that is not ready yet, with a name for plugins that publish it.
      assert.match(await build(["RUN hostname"], "--build-arg=BUILDKIT_SANDBOX_HOSTNAME=mine"), / mine$/m);
    } finally {
      await engine[Symbol.asyncDispose]();
    }
    assert.deepEqual([await leases(), await chains(), await network.devices()], [[], [], ["lo"]]);
  });

  test("nothing is left of steps that fail, or are canceled, or of an engine that is killed", async () => {
    const first = await start();
    try {
      await fails(["RUN exit 7"]);
      const client = spawn(polyarchProgram, buildArgs(await context("RUN echo $((20+22)); sleep 1000")), {
        env: { ...process.env, ...env },
        stdio: ["ignore", "ignore", "pipe"],
      });
      await saying(client.stderr, / 42$/m);
      client.kill("SIGINT");
      await once(client, "exit");
      // One may be kept ahead for the next step.
      await until("networks taken apart", async () => (await leases()).length <= 1);

      const other = spawn(polyarchProgram, buildArgs(await context("RUN echo $((20+22)); sleep 1000")), {
        env: { ...process.env, ...env },
        stdio: ["ignore", "ignore", "pipe"],
      });
      await saying(other.stderr, / 42$/m);
      process.kill(first.pid, "SIGKILL");
      await once(other, "exit");
      // The devices go with the step and the engine; what plugins have noted elsewhere stays until the next engine.
      await until("devices gone", async () => (await network.devices()).join() === "buildkit0,lo");
    } finally {
      await first[Symbol.asyncDispose]();
    }
    const left = { leases: await leases(), chains: await chains() };
    assert.ok(left.leases.length > 0 && left.chains.length > 0, "the killed engine had networks");
    const next = await start();
    try {
      const kept = [...(await leases()), ...(await chains())];
      assert.deepEqual(
        kept.filter((name) => [...left.leases, ...left.chains].includes(name)),
        [],
      );
      assert.match(await build(["RUN ip -4 addr"]), /inet 10\.10\./);
    } finally {
      await next[Symbol.asyncDispose]();
    }
    assert.deepEqual([await leases(), await chains(), await network.devices()], [[], [], ["lo"]]);
  });

  test("nothing is left of a network that was being made when the engine was killed", async () => {
    const wrapped = await mkdtemp(at("plugins-"));
    for (const name of ["host-local", "firewall"]) await symlink(join(plugins, name), join(wrapped, name));
    const script = `#!/bin/sh\n${join(plugins, "bridge")} || exit\n[ $CNI_COMMAND = DEL ] || [ ! -e ${wrapped}/hang ] || sleep 1000\n`;
    await writeFile(join(wrapped, "bridge"), script, { mode: 0o755 });
    const first = await start(`--oci-cni-binary-dir=${wrapped}`);
    let before: readonly string[] = [];
    try {
      before = await chains();
      await writeFile(join(wrapped, "hang"), "");
      await build(["RUN true"]); // takes the network that is there, and another one is begun
      await until("rules of another network", async () => (await chains()).some((chain) => !before.includes(chain)));
      process.kill(first.pid, "SIGKILL");
    } finally {
      await first[Symbol.asyncDispose]();
    }
    assert.notDeepEqual(await chains(), []);
    await rm(join(wrapped, "hang"));
    await (await start())[Symbol.asyncDispose]();
    assert.deepEqual([await leases(), await chains(), await network.devices()], [[], [], ["lo"]]);
  });
});

suite("a network of one's own, by CNI configuration", () => {
  let network: LabNetwork;
  let engine: LabEngine;
  const config = at("net.conflist");
  before(async () => {
    network = await openOwnNetwork();
    const ipam = { type: "host-local", dataDir: "/var/lib/cni/here", ranges: [[{ subnet: "10.77.0.0/29" }]] };
    const list = { cniVersion: "1.0.0", name: "here", plugins: [{ type: "ptp", ipam }] };
    await writeFile(config, JSON.stringify(list));
    const file = at("polyarchd.toml");
    const keys = { cniConfigPath: config, cniBinaryPath: plugins };
    const lines = Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
    await writeFile(file, ["[worker.oci]", ...lines, ""].join("\n"));
    engine = await startEngine([`--config=${file}`, `--addr=unix://${socket}`], network.inside);
  });
  after(async () => {
    await engine[Symbol.asyncDispose]();
    await network[Symbol.asyncDispose]();
  });

  test("is taken for what steps get where there is one, also when addresses are few", async () => {
    const steps = Array.from({ length: 6 }, (_, at) => [`FROM base AS s${at}`, `RUN ip -4 addr && echo ${at} > /done`]);
    const copies = steps.map((_, at) => `COPY --from=s${at} /done /done${at}`);
    const said = await build([...steps.flat(), "FROM base", ...copies]);
    assert.equal(addresses(said).filter((address) => address.startsWith("10.77.0.")).length, 6, said);
  });
});

test("what cannot work is refused at the start", async () => {
  const network = await openOwnNetwork();
  try {
    const start = (...args: string[]) => startEngine([`--addr=unix://${socket}`, ...args], network.inside);
    await assert.rejects(start("--oci-worker-net=x"), /invalid network mode: "x"/);
    const missing = at("missing.json");
    await assert.rejects(
      start("--oci-worker-net=cni", `--oci-cni-binary-dir=${plugins}`, `--oci-cni-config-path=${missing}`),
      /failed to read cni config ".*missing\.json": /,
    );
    const wrong = at("wrong.json");
    await writeFile(wrong, JSON.stringify({ cniVersion: "1.0.0", name: "n", type: "ptp" }));
    await assert.rejects(
      start(`--oci-cni-binary-dir=${plugins}`, `--oci-cni-config-path=${wrong}`),
      /CNI setup error: plugin type="ptp" failed \(add\): /,
    );
  } finally {
    await network[Symbol.asyncDispose]();
  }
});

/** Waits until a stream has said something. */
async function saying(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<void> {
  let text = "";
  for await (const chunk of stream) {
    text += String(chunk);
    if (pattern.test(text)) break;
  }
  assert.match(text, pattern);
}
