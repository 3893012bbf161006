import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { once } from "node:events";
import { join } from "node:path";
import { before, test } from "node:test";
import { DebianArchive, labPlatforms, must } from "../lab/mod.ts";
import { differs, openHouse } from "./harness.ts";
import { openScreen } from "./screen.ts";

const house = await openHouse();
const image = `${house.registry.host}/try`;
const all = labPlatforms.map(({ name }) => name).join(",");

before(async () => {
  const context = await house.context({
    "hello.sh": { text: '#!/bin/sh\necho "hello $NAME, $(uname -m), $(id -un), $(pwd), $*"\n', mode: 0o755 },
    Dockerfile: `
      FROM ${house.base}
      RUN adduser -D -h /home/ada ada || { echo ada:x:1000:1000::/home/ada:/bin/sh >> /etc/passwd; }
      COPY hello.sh /bin/hello
      ENV NAME=world
      WORKDIR /work
      USER ada
      ENTRYPOINT ["/bin/hello"]
      CMD ["by default"]`,
  });
  await house.build(context, ["--platform", all, "--tag", image, "--push"]);
});

const run = (args: readonly string[], input?: string) =>
  house.polyarch(["run", ...args], input === undefined ? {} : { stdin: input });

for (const { name, machine } of labPlatforms) {
  test(`an image runs as ${name}`, async () => {
    const { code, stdout, stderr } = await run(["--platform", name, image]);
    assert.deepEqual(
      { code, stdout },
      { code: 0, stdout: `hello world, ${machine}, ada, /work, by default\n` },
      stderr,
    );
  });
}

test("one platform's manifest runs by its digest, wherever it comes from", async () => {
  const index = JSON.parse(await must("skopeo", ["inspect", "--tls-verify=false", "--raw", `docker://${image}`])) as {
    manifests: { digest: string; platform: { architecture: string } }[];
  };
  const arm64 = index.manifests.find(({ platform }) => platform.architecture === "arm64");
  const { stdout, stderr } = await run([`${image}@${arm64?.digest}`, "x"]);
  assert.equal(stdout, "hello world, aarch64, ada, /work, x\n");
  assert.match(stderr, /WARNING: The requested image's platform \(linux\/arm64\) does not match .* \(linux\/amd64\)/);
  const wrong = await run(["--platform", "linux/s390x", `${image}@${arm64?.digest}`]);
  assert.equal(wrong.code, 125);
  assert.match(wrong.stderr, /platform \(linux\/arm64\) does not match the specified platform \(linux\/s390x\)/);
});

test("what the image says can be replaced, flags after the image are the command's", async () => {
  const flags = ["-e", "NAME=you", "--user", "0:0", "--workdir", "/new/place", "--rm", "-q"];
  assert.equal((await run([...flags, image, "-x", "--rm"])).stdout, "hello you, x86_64, root, /new/place, -x --rm\n");
  const entry = await run(["--entrypoint", "/bin/sh", image, "-c", "echo $0 $1", "a", "b"]);
  assert.equal(entry.stdout, "a b\n");
  assert.equal((await run(["--entrypoint", "", image, "echo", "bare"])).stdout, "bare\n");
});

test("nothing but the process's own output is shown when all goes well", async () => {
  const { stdout, stderr } = await run(["--entrypoint", "sh", image, "-c", "echo out; echo err >&2"]);
  assert.deepEqual({ stdout, stderr }, { stdout: "out\n", stderr: "err\n" });
  const plain = await run(["--progress", "plain", image]);
  assert.match(plain.stderr, /load metadata for/);
});

test("the exit code is the process's", async () => {
  for (const code of [0, 1, 3, 125, 126, 127, 130, 255]) {
    const done = await run(["--entrypoint", "sh", image, "-c", `exit ${code}`]);
    assert.deepEqual({ code: done.code, stderr: done.stderr }, { code, stderr: "" });
  }
  assert.equal((await run(["--entrypoint", "sh", image, "-c", "sh -c 'kill -9 $$'; exit $?"])).code, 137);
});

test("a program that is not there is told as a shell would tell it", {
  skip: differs("what runc says, with its exit code"),
}, async () => {
  const missing = await run(["--entrypoint", "nope", image]);
  assert.equal(missing.code, 127);
  assert.match(missing.stderr, /exec nope: executable file not found in \$PATH/);
});

test("input is piped through, on every kind of platform", async () => {
  const lines = "x".repeat(99).concat("\n").repeat(50_000);
  for (const platform of ["linux/amd64", "linux/arm64"]) {
    const args = ["-i", "--platform", platform, "--entrypoint", "sh", image, "-c", "wc -c"];
    assert.equal((await run(args, lines)).stdout.trim(), "5000000");
  }
  assert.equal((await run(["--entrypoint", "cat", image], "not read")).stdout, "");
  assert.equal((await run(["-i", "--entrypoint", "true", image], lines)).code, 0);
});

test("output of any size arrives whole", async () => {
  const { stdout } = await run(["--entrypoint", "sh", image, "-c", "head -c 8000000 /dev/zero | tr '\\0' y"]);
  assert.equal(stdout.length, 8_000_000);
});

for (const platform of ["linux/amd64", "linux/s390x"]) {
  test(`signals reach the process, as ${platform}`, async () => {
    const script =
      "trap 'echo got INT' INT; trap 'echo got TERM; exit 7' TERM; echo ready; while :; do sleep 0.1; done";
    const child = house.start(["run", "--platform", platform, "--entrypoint", "sh", image, "-c", script]);
    let stdout = "";
    const saw = async (text: string) => {
      while (!stdout.includes(text)) await once(child.stdout as NodeJS.ReadableStream, "data");
    };
    child.stdout?.on("data", (data: Buffer) => (stdout += data.toString()));
    const exit = once(child, "close");
    await saw("ready\n");
    child.kill("SIGINT");
    await saw("got INT\n");
    child.kill("SIGTERM");
    assert.deepEqual(await exit, [7, null]);
    assert.equal(stdout, "ready\ngot INT\ngot TERM\n");
  });
}

test("a client that dies takes its container with it", async () => {
  const child = house.start(["run", "--entrypoint", "sh", image, "-c", "echo ready; sleep 1000"]);
  await once(child.stdout as NodeJS.ReadableStream, "data");
  child.kill("SIGKILL");
  await house.settled();
});

test("a process that does not mind Ctrl-C is left at the third", async () => {
  const child = house.start(["run", "--entrypoint", "sh", image, "-c", "trap '' INT; echo ready; sleep 1000"]);
  await once(child.stdout as NodeJS.ReadableStream, "data");
  const exit = once(child, "exit");
  // Of signals that come faster than a busy machine hands them on, some are lost; more than three do no harm.
  let sent = 0;
  while (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGINT");
    sent++;
    await Promise.race([exit, new Promise((resolve) => setTimeout(resolve, 200))]);
  }
  assert.deepEqual(await exit, [130, null]);
  assert.ok(sent >= 3, `${sent} signals`);
  await house.settled();
});

test("with a terminal the process has one, as large as ours, and the keys are its own", async () => {
  // `script` gives the client a terminal.
  const script =
    "echo ready; read line; tty; stty size; echo TERM=$TERM; trap 'echo interrupted; exit 4' INT; echo waiting; while :; do sleep 0.1; done";
  const screen = openScreen(house.commandLine(["run", "-it", "--entrypoint", "sh", image, "-c", script]), house.env);
  await screen.saw("ready");
  screen.type("\r");
  await screen.saw("waiting");
  screen.type("\x03");
  assert.equal(await screen.exit, 4, screen.shown());
  assert.match(screen.shown(), /\/dev\/pts\/0\r\n33 77\r\nTERM=xterm\r\n/);
  assert.match(screen.shown(), /interrupted/);
});

test("docker buildx debug, another implementation of the client, opens a shell in a result", {
  skip: differs("our engine with another client"),
}, async () => {
  const architecture = (await must("dpkg", ["--print-architecture"])).trim();
  const trixie = await DebianArchive.open({ suite: "trixie", architectures: [architecture] });
  const unpacked = await trixie.unpack([await trixie.download("docker-buildx", architecture)], "docker-buildx");
  const buildx = join(unpacked, "usr/libexec/docker/cli-plugins/docker-buildx");
  const settings = { BUILDX_CONFIG: await house.directory(), BUILDX_EXPERIMENTAL: "1" };
  const env = { ...house.env, ...settings, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" };
  await must(buildx, ["create", "--name", "ours", "--driver", "remote", `unix://${house.socket}`, "--use"], { env });
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo made here > /made` });
  const screen = openScreen([buildx, "debug", "--on=always", "--invoke", "/bin/sh", "build", context], env);
  await screen.saw("/ # ");
  screen.type("cat /made; tty\r");
  await screen.saw("/dev/pts/0");
  assert.match(screen.shown(), /made here/);
  screen.type("\x01c");
  await screen.saw("(buildx)");
  screen.type("exit\r");
  assert.equal(await screen.exit, 0, screen.shown());
  await house.settled();
});

test("network none has only itself, host has what the machine has", async () => {
  const none = await run(["--network", "none", "--entrypoint", "sh", image, "-c", "ls /sys/class/net"]);
  assert.equal(none.stdout.trim(), "lo");
  // An engine of the client's own allows it; others must be told to.
  const before = new Set(await readdir("/sys/class/net"));
  const host = await run(["--network", "host", "--entrypoint", "sh", image, "-c", "ls /sys/class/net"]);
  const after = new Set(await readdir("/sys/class/net"));
  // Others on this machine may make devices at the same time, and take them away.
  const seen = new Set(host.stdout.trim().split("\n"));
  assert.ok(seen.isSupersetOf(before.intersection(after)) && seen.isSubsetOf(before.union(after)), host.stdout);
  const odd = await run(["--network", "bridge", image]);
  assert.match(odd.stderr, /invalid network "bridge": want default, none or host/);
});

test("what cannot be is refused in clear words, and leaves nothing", async () => {
  for (const [args, message] of [
    [[`${house.registry.host}/nothing`], /nothing:latest: not found/],
    [["--platform", "linux/mips64le", image], /linux\/mips64le|no match for platform in manifest/],
    [["--platform", "wat", image], /unknown operating system or architecture/],
    [["-w", "relative", image], /needs to be an absolute path/],
    [["--user", "nobody-here", image], /nobody-here/],
    [["-it", image], /the input device is not a TTY/],
    [["--rm=false", image], /nothing of a container outlives/],
    [["Upper/Case", "x"], /must be lowercase/],
    [[house.base, ""], /./],
  ] as const) {
    const done = await run(args);
    assert.notEqual(done.code, 0, args.join(" "));
    assert.match(done.stderr, message);
  }
  await house.settled();
});

test("image inspect tells what each platform's image is", async () => {
  const inspect = async (args: readonly string[]) => {
    const done = await house.polyarch(["image", "inspect", ...args, image]);
    assert.equal(done.code, 0, done.stderr);
    return done.stdout;
  };
  const all = JSON.parse(await inspect(["--format", "json"])) as {
    Platform: string;
    Architecture: string;
    Id: string;
  }[];
  assert.deepEqual(all.map(({ Platform }) => Platform).toSorted(), labPlatforms.map(({ name }) => name).toSorted());
  const template = "{{.Os}}/{{.Architecture}}/{{.Variant}} {{.Config.User}} {{json .Config.Entrypoint}}";
  assert.equal(await inspect(["--platform", "linux/arm/v7", "-f", template]), 'linux/arm/v7 ada ["/bin/hello"]\n');
  const text = await inspect(["--platform", "s390x"]);
  assert.match(text, /^Architecture: +s390x$/m);
  assert.match(text, /^ {2}NAME=world$/m);
  const raw = JSON.parse(await inspect(["--platform", "s390x", "--raw"])) as { config: { digest: string } };
  assert.equal(raw.config.digest, all.find(({ Architecture }) => Architecture === "s390x")?.Id);
  const missing = await house.polyarch(["image", "inspect", "--platform", "linux/mips64le", image]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /has no manifest for linux\/mips64le: it is for .*linux\/amd64/);
});
