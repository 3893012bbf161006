import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { get as httpGet, type IncomingMessage } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  buildctlProgram,
  engineProgram,
  type LabEngine,
  must,
  polyarchProgram,
  pushBaseImages,
  run,
  startEngine,
  startRegistry,
  unpackDocker,
} from "../lab/mod.ts";

const home = await mkdtemp(join(tmpdir(), "polyarch-server-"));
after(() => rm(home, { recursive: true, force: true }));
const at = (path: string) => join(home, path);
/** The certificates that `polyarch daemon certs` writes, as flags of the engine and of buildctl. */
const tlsFlags = (directory: string) =>
  ["ca", "cert", "key"].flatMap((name) => [`--tls${name === "ca" ? "cacert" : name}`, at(`${directory}/${name}.pem`)]);
const driverOptions = (directory: string) =>
  `cacert=${at(`${directory}/ca.pem`)},cert=${at(`${directory}/cert.pem`)},key=${at(`${directory}/key.pem`)}`;

let buildx = "";
const env = { BUILDX_CONFIG: at("buildx"), DOCKER_CONFIG: at("docker"), BUILDX_BUILDER: "" };
before(async () => {
  for (const directory of ["certs", "strangers"]) await must(polyarchProgram, ["daemon", "certs", at(directory)]);
  const { plugins } = await unpackDocker("sid");
  buildx = plugins.map((directory) => join(directory, "docker-buildx")).find((path) => existsSync(path)) ?? "";
});

/** A context with this Dockerfile and a file `word`. */
async function context(dockerfile: string): Promise<string> {
  const directory = await mkdtemp(at("context-"));
  await writeFile(join(directory, "Dockerfile"), dockerfile);
  await writeFile(join(directory, "word"), "hello\n");
  return directory;
}

suite("an engine on TCP with mutual TLS", () => {
  let engine: LabEngine;
  let address = "";
  before(async () => {
    engine = await startEngine([
      `--addr=unix://${at("engine.sock")}`,
      "--addr=tcp://127.0.0.1:0",
      ...tlsFlags("certs/daemon"),
      "--oci-worker-labels=org.example.rack=7",
      "--oci-worker-platform=linux/amd64,linux/arm64",
    ]);
    address = engine.addresses[1] ?? "";
  });
  after(() => engine[Symbol.asyncDispose]());

  test("builds for docker buildx's remote driver, which shows its labels and platforms", async () => {
    const create = ["create", "--name", "farm", "--driver", "remote", "--driver-opt"];
    await must(buildx, [...create, driverOptions("certs/client"), address], { env });
    const shown = await must(buildx, ["inspect", "farm"], { env, timeoutMs: 180_000 });
    assert.match(shown, /^Status:\s+running$/m);
    assert.match(shown, /^Platforms:\s+linux\/amd64, linux\/arm64$/m);
    assert.match(shown, /^ org\.example\.rack:\s+7$/m);
    const out = at("from-tcp");
    const built = await context("FROM scratch\nCOPY word /\n");
    await must(buildx, ["build", "--builder", "farm", "--output", `type=local,dest=${out}`, built], { env });
    assert.equal(await readFile(join(out, "word"), "utf8"), "hello\n");
  });

  test("answers nobody whose certificate another authority has signed, or who has none", async () => {
    const workers = ["debug", "workers"];
    const asked = await must(buildctlProgram, ["--addr", address, ...tlsFlags("certs/client"), ...workers]);
    assert.match(asked, /^ID\t+PLATFORMS\n\w{25}\tlinux\/amd64,linux\/arm64\n$/);
    const authority = ["--tlscacert", at("certs/ca.pem")];
    const key = (directory: string) => [
      "--tlscert",
      at(`${directory}/cert.pem`),
      "--tlskey",
      at(`${directory}/key.pem`),
    ];
    const refused: string[][] = [
      [...authority, ...key("strangers/client")],
      authority,
      [], // not even TLS
      ["--tlsdir", at("strangers/client")], // here it is the client that does not trust the engine
      [...tlsFlags("certs/client"), "--tlsservername", "other.example"],
    ];
    for (const flags of refused) {
      const { code, stdout, stderr } = await run(buildctlProgram, ["--addr", address, ...flags, ...workers]);
      assert.deepEqual([code, stdout], [1, ""], flags.join(" "));
      assert.match(stderr, /^error: /);
    }
    await engine.said(/TLS handshake error from 127\.0\.0\.1: peer did not return a certificate/);
  });

  test("is reached through buildctl dial-stdio, as through docker exec or ssh", async () => {
    const child = spawn(buildctlProgram, ["dial-stdio"], {
      env: { ...process.env, BUILDKIT_HOST: `unix://${at("engine.sock")}` },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    const session = connectHttp2("http://localhost", {
      createConnection: () => Duplex.from({ readable: child.stdout, writable: child.stdin } as never), // typed for web streams only
    });
    const request = session.request({
      ":method": "POST",
      ":path": "/moby.buildkit.v1.Control/Info",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const trailers = once(request, "trailers");
    request.end(Buffer.alloc(5)); // one empty message
    assert.match(Buffer.concat(await request.toArray()).toString(), /polyarch.*v\d/s);
    assert.equal((await trailers)[0]["grpc-status"], "0");
    session.close();
    assert.deepEqual(await exited, [0, null]);
  });

  test("leaves a socket on which it still answers to no other engine, and a dead one to the next", async () => {
    const address = `unix://${at("engine.sock")}`;
    await assert.rejects(startEngine(["--addr", address]), /another engine answers there/);
    const dead = at("dead.sock");
    await must("python3", ["-c", `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(dead)})`]);
    await using next = await startEngine(["--addr", `unix://${dead}`]);
    await must(buildctlProgram, ["--addr", `unix://${dead}`, "debug", "info"]);
    assert.match(next.log().join("\n"), /listening on unix/);
  });
});

test("an engine tells of itself on its debug address", async () => {
  const [socket, debug] = [at("debugged.sock"), at("debug.sock")];
  await using engine = await startEngine([
    "--addr",
    `unix://${socket}`,
    "--debugaddr",
    `unix://${debug}`,
    "--log-format=json",
  ]);
  const get = async (path: string) => {
    const [answer] = (await once(httpGet({ socketPath: debug, path }), "response")) as [IncomingMessage];
    return await text(answer);
  };
  assert.equal(await get("/healthz"), "ok\n");
  await must(buildx, ["create", "--name", "debugged", "--driver", "remote", `unix://${socket}`], { env });
  const [good, bad] = [await context("FROM scratch\nCOPY word /\n"), await context("FROM scratch\nCOPY nothing /\n")];
  await must(buildx, ["build", "--builder", "debugged", "--output", `type=local,dest=${at("seen")}`, good], { env });
  assert.equal((await run(buildx, ["build", "--builder", "debugged", bad], { env })).code, 1);
  assert.match(
    await engine.said(/returned error/),
    /^\{"level":"error","msg":"\/moby\.buildkit\.v1\.[\w.]+\/Solve returned error: rpc error: code = \w+ desc = .*"\/nothing\\": not found","time":"/,
  );
  const counts = (await get("/metrics")).split("\n").filter((line) => /_(?:count|total)[{ ]/.test(line));
  assert.ok(counts.includes('buildkit_builds_total{status="success"} 1'), counts.join("\n"));
  assert.ok(counts.includes('buildkit_build_duration_seconds_count{status="failure"} 1'), counts.join("\n"));
  // Builds of docker buildx's are led by itself, through calls of their own.
  const solve = counts.find((line) => line.includes('"moby.buildkit.v1.Control/Solve",rpc_response_status_code="OK"'));
  assert.ok(Number(solve?.split(" ").at(-1)) >= 1, counts.join("\n"));
});

test("an engine is looked after with buildctl", async () => {
  const address = `unix://${at("kept.sock")}`;
  await using _engine = await startEngine(["--addr", address]);
  const buildctl = async (...args: string[]) => await must(buildctlProgram, ["--addr", address, ...args]);
  await must(buildx, ["create", "--name", "kept", "--driver", "remote", address], { env });
  const built = await context("FROM scratch\nCOPY word /\n");
  await must(buildx, ["build", "--builder", "kept", "--output", `type=local,dest=${at("kept")}`, built], { env });

  const usage = await buildctl("du");
  assert.match(
    usage,
    /^ID\t+RECLAIMABLE\tSIZE\tLAST ACCESSED\n(?:\w{25}\*? +\ttrue {7}\t[\d.]+k?B\t\n)+Reclaimable:\t[^]*Total:\t/,
  );
  assert.match(
    await buildctl("du", "--verbose", "--filter", "type==source.local"),
    /^Description:\tlocal source for context$/m,
  );
  assert.match(await buildctl("debug", "workers", "-v"), /^GC Policy rule#0:\n\tAll:\t\t\tfalse$/m);

  const builds = await buildctl("debug", "histories");
  const [, ref = ""] = /^TYPE\t+REF\t+CREATED\t+COMPLETED\t+GENERATION\tPINNED\nCOMPLETE\t(\w+)\t/.exec(builds) ?? [];
  assert.match(await buildctl("debug", "logs", ref), /\[1\/1\] COPY word \/[^]*DONE/);
  const digest = (await buildctl("debug", "histories", "--format", "{{.Record.Logs.Digest}}")).trim();
  assert.match(await buildctl("debug", "get", digest), /COPY word/);
  await buildctl("debug", "ctl", "--pin", ref);
  assert.doesNotMatch(await buildctl("prune-histories"), new RegExp(ref));
  await buildctl("debug", "ctl", "--unpin", ref);
  assert.equal(await buildctl("prune-histories", "--format", "{{.Record.Ref}}"), `${ref}\n`);

  assert.match(await buildctl("prune", "--all"), /^ID\t+RECLAIMABLE[^]*\nTotal:\t[\d.]+k?B\n$/);
  assert.equal(await buildctl("du"), "ID\tRECLAIMABLE\tSIZE\tLAST ACCESSED\nReclaimable:\t0B\nTotal:\t\t0B\n");
  for (const [args, message] of [
    [["debug", "logs"], /build ref must be specified/],
    [["debug", "logs", "none"], /no such job none/],
    [["debug", "ctl", ref], /must specify one of --pin, --unpin, --delete/],
    [["du", "--all"], /unknown flag: --all, for buildctl du/],
    [["build"], /buildctl build: not supported: to build, use polyarch or docker buildx instead/],
  ] as const) {
    const { code, stderr } = await run(buildctlProgram, ["--addr", address, ...args]);
    assert.equal(code, 1);
    assert.match(stderr, message);
  }
});

test("an engine does not start among the mounts of whoever starts it", async () => {
  const directory = await mkdtemp(at("mounts-"));
  const node = join(dirname(engineProgram), "node");
  const program = join(dirname(engineProgram), "../dist/polyarchd.cjs");
  const { code, stderr } = await run(node, [program, "--root", join(directory, "root")]);
  assert.equal(code, 1);
  assert.match(stderr, /^polyarchd: the engine needs a mount namespace of its own: start it as bin\/polyarchd$/m);
  assert.ok(!existsSync(join(directory, "root")));
});

test("an engine serves a socket that systemd has opened for it", async () => {
  const activate = [
    "import os, socket, sys",
    "listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[1] + '.new'); listener.listen()",
    "os.rename(sys.argv[1] + '.new', sys.argv[1])",
    "os.dup2(listener.fileno(), 3); os.set_inheritable(3, True)",
    "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))",
    "os.execv(sys.argv[2], sys.argv[2:])",
  ].join("\n");
  const socket = at("activated.sock");
  const args = ["--root", at("activated"), "--addr", "fd://"];
  const child = spawn("python3", ["-c", activate, socket, engineProgram, ...args], { stdio: "ignore" });
  const exited = once(child, "exit");
  try {
    while (!existsSync(socket)) await sleep(20); // from then on, whoever connects is served as soon as the engine is up
    assert.match(await must(buildctlProgram, ["--addr", `unix://${socket}`, "debug", "workers"]), /^ID\t/);
  } finally {
    child.kill("SIGTERM");
    await exited;
  }
});

test("an engine tells systemd when it is ready, and when it stops", async () => {
  const manager = [
    "import os, signal, socket, subprocess, sys",
    "states = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); states.bind(sys.argv[1]); states.settimeout(60)",
    "engine = subprocess.Popen(sys.argv[2:], env={**os.environ, 'NOTIFY_SOCKET': sys.argv[1]})",
    "print(states.recv(99).decode(), flush=True)",
    "subprocess.run([os.environ['BUILDCTL'], 'debug', 'info'], check=True)",
    "engine.send_signal(signal.SIGTERM)",
    "print(states.recv(99).decode(), engine.wait(), flush=True)",
  ].join("\n");
  const address = `unix://${at("notifying.sock")}`;
  const args = [at("notify.sock"), engineProgram, "--root", at("notifying"), "--addr", address];
  const environment = { ...process.env, BUILDCTL: buildctlProgram, BUILDKIT_HOST: address };
  const said = await must("python3", ["-c", manager, ...args], { env: environment });
  assert.match(said, /^READY=1\nBuildKit:.*\nDockerfile: .*\nSTOPPING=1 0\n$/);
});

suite("an engine with a buildkitd.toml", () => {
  test("pulls from mirrors when the registry itself cannot be reached", async () => {
    await using empty = await startRegistry();
    await using full = await startRegistry();
    const base = await pushBaseImages(full.host);
    const repository = base.slice(full.host.length + 1).replace(/[:@].*$/, "");
    const origin = "registry.invalid:5000";
    const config = at("mirrors.toml");
    await writeFile(
      config,
      `[registry."${origin}"]\nmirrors = ["127.0.0.1:1", "${empty.host}", "${full.host}"]\n` +
        [empty, full].map(({ host }) => `[registry."${host}"]\nhttp = true\n`).join(""),
    );
    const socket = at("mirrors.sock");
    await using engine = await startEngine(["--addr", `unix://${socket}`, "--config", config]);
    assert.deepEqual(
      engine.log().filter((line) => line.includes("level=warn")),
      [],
    );
    await must(buildx, ["create", "--name", "mirrored", "--driver", "remote", `unix://${socket}`], { env });
    const out = at("from-mirror");
    const built = await context(`FROM ${base.replace(full.host, origin)}\nRUN echo built > /made\n`);
    await must(buildx, ["build", "--builder", "mirrored", "--output", `type=local,dest=${out}`, built], { env });
    assert.equal(await readFile(join(out, "made"), "utf8"), "built\n");
    const asked = (path: string) => new RegExp(`^/v2/${repository}/${path}`);
    assert.ok((await empty.requests()).some(({ path, status }) => asked("manifests/").test(path) && status === 404));
    assert.ok((await full.requests()).some(({ path, status }) => asked("manifests/").test(path) && status === 200));
    assert.ok((await full.requests()).some(({ path, status }) => asked("blobs/").test(path) && status === 200));
  });

  test("pushes to and pulls from a registry with an authority of its own that wants a client's certificate", async () => {
    const dir = at("registry");
    await using plain = await startRegistry({ dir });
    const base = await pushBaseImages(plain.host);
    const tls = { cert: at("certs/daemon/cert.pem"), key: at("certs/daemon/key.pem"), ca: at("certs/ca.pem") };
    await using secure = await startRegistry({ dir, tls });
    const table = `[registry."${secure.host}"]\nca = ["${at("certs/ca.pem")}"]\n`;
    const files = `key = "${at("certs/client/key.pem")}"\ncert = "${at("certs/client/cert.pem")}"\n`;
    const pair = `[[registry."${secure.host}".keypair]]\n${files}`;
    const built = await context(`FROM ${base.replace(plain.host, secure.host)}\nRUN echo built > /made\n`);
    for (const [name, toml] of Object.entries({ trusted: table + pair, stranger: table })) {
      await writeFile(at(`${name}.toml`), toml);
      const socket = at(`${name}.sock`);
      await using _engine = await startEngine(["--addr", `unix://${socket}`, "--config", at(`${name}.toml`)]);
      await must(buildx, ["create", "--name", name, "--driver", "remote", `unix://${socket}`], { env });
      const args = ["--builder", name, "--provenance=false", "--tag", `${secure.host}/${name}:1`, "--push", built];
      const done = await run(buildx, ["build", ...args], { env });
      assert.equal(done.code === 0, name === "trusted", done.stderr);
    }
    const pushed = await must("skopeo", ["inspect", "--tls-verify=false", `docker://${plain.host}/trusted:1`]);
    assert.match(pushed, /"Layers"/);
  });

  test("has the frontends that it says", async () => {
    const built = await context("FROM scratch\nCOPY word /\n");
    const build = async (name: string, toml: string, flags: readonly string[]) => {
      const [config, socket] = [at(`${name}.toml`), at(`${name}.sock`)];
      await writeFile(config, toml);
      await using _engine = await startEngine(["--addr", `unix://${socket}`, "--config", config]);
      await must(buildx, ["create", "--name", name, "--driver", "remote", `unix://${socket}`], { env });
      return await run(buildx, ["build", "--builder", name, ...flags, built], { env });
    };
    const none = await build("no-dockerfile", '[frontend."dockerfile.v0"]\nenabled = false\n', []);
    assert.match(none.stderr, /invalid frontend: dockerfile\.v0: it is disabled/);
    const some = '[frontend."gateway.v0"]\nallowedRepositories = ["docker/dockerfile"]\n';
    const other = ["--build-arg", "BUILDKIT_SYNTAX=registry.invalid/frontend:1"];
    const refused = await build("some-images", some, other);
    assert.match(refused.stderr, /'registry\.invalid\/frontend:1' is not an allowed gateway source/);
  });

  test("does not start with a wrong one, and says where it is wrong", async () => {
    const config = at("wrong.toml");
    const cases: [string, RegExp][] = [
      [
        'debug = false\n[grpc]\n  address = "tcp://0.0.0.0:1234"\n',
        /wrong\.toml:3: grpc\.address: want a list of strings, got "tcp:/,
      ],
      ["[registry.\n", /failed to load config: .*wrong\.toml:1:\d+: /],
      [
        '[registry."docker.io"]\nca = ["/not/there.pem"]',
        /wrong\.toml:2: registry\."docker\.io"\.ca: cannot read the file: open .*: no such file or directory/,
      ],
      ['[worker.oci]\nbinary = "no-such-runtime"', /failed to find no-such-runtime binary/],
    ];
    for (const [toml, message] of cases) {
      await writeFile(config, toml);
      const { code, stderr } = await run(engineProgram, ["--root", at("wrong"), "--config", config]);
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.equal(stderr.match(/^polyarchd: /gm)?.length, 1);
    }
  });
});
