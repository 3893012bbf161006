import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { type Finished, type RunOptions, startDocker, startSshAgent } from "../lab/mod.ts";
import { endlessSleep, gone, imageConfig, listTar, openHouse, readMetadata } from "./harness.ts";

/**
 * What people do with docker buildx and an engine of ours that runs elsewhere: `--driver remote`. Contexts of all kinds are in context-clients.test.ts,
 * the history in build-history.test.ts, bake in wire.test.ts, TLS in engine-server.test.ts.
 */
const house = await openHouse();
const docker = house.own(await startDocker("sid"));
const { host } = house.registry;
const env = { BUILDX_BUILDER: "ours", BUILDX_NO_DEFAULT_ATTESTATIONS: "1" };

/** `docker buildx …`, which must succeed. */
async function buildx(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const done = await docker.docker(["buildx", ...args], {
    timeoutMs: 120_000,
    ...options,
    env: { ...env, ...options.env },
  });
  assert.equal(done.code, 0, `docker buildx ${args.join(" ")}:\n${done.stderr}`);
  return done;
}
const build = async (args: readonly string[], options?: RunOptions) =>
  await buildx(["build", "--progress=plain", ...args], options);
const fails = async (args: readonly string[]) => {
  const done = await docker.docker(["buildx", "build", "--progress=plain", ...args], { env, timeoutMs: 120_000 });
  assert.notEqual(done.code, 0, done.stderr);
  return done;
};

before(async () => {
  await house.build(await house.context({ Dockerfile: "FROM scratch\n" })); // starts the engine
  await buildx(["create", "--name=ours", "--driver=remote", `unix://${house.socket}`], { env: { BUILDX_BUILDER: "" } });
});

suite("results", () => {
  test("are pushed for several platforms, and looked at and copied with imagetools", async () => {
    const context = await house.context({
      Dockerfile: `FROM ${house.base}\nARG TARGETARCH\nRUN echo $TARGETARCH > /arch\n`,
    });
    const image = `${host}/pushed:1`;
    const metadata = join(await house.directory(), "metadata.json");
    await build(["--platform=linux/amd64,linux/arm64", `--metadata-file=${metadata}`, "-t", image, "--push", context]);
    const raw = (await buildx(["imagetools", "inspect", "--raw", image])).stdout;
    const { manifests } = JSON.parse(raw) as { manifests: { platform: { architecture: string } }[] };
    assert.deepEqual(
      manifests.map(({ platform }) => platform.architecture),
      ["amd64", "arm64"],
    );
    await buildx(["imagetools", "create", "--tag", `${host}/pushed:2`, image]);
    const { stdout } = await buildx(["imagetools", "inspect", `${host}/pushed:2`]);
    const told = await readMetadata(metadata);
    assert.match(stdout, new RegExp(`^Digest:\\s+${String(told["containerimage.digest"])}$`, "m"));
    assert.equal(told["image.name"], image);
  });

  test("are loaded into a Docker Engine, where they run; docker build does the same", async () => {
    const context = await house.context({
      Dockerfile: `FROM ${house.base}\nCOPY word /\nCMD ["cat", "/word"]\n`,
      word: "loaded\n",
    });
    await build(["--load", "-t", "loaded:1", context]);
    const cli = await docker.docker(["build", "--load", "-t", "loaded:2", context], { env });
    assert.equal(cli.code, 0, cli.stderr);
    for (const image of ["loaded:1", "loaded:2"]) {
      const ran = await docker.docker(["run", "--rm", "--network=none", image]);
      assert.equal(ran.stdout, "loaded\n", ran.stderr);
    }
  });

  test("go to several places at once: a directory, archives, a registry", async () => {
    const context = await house.context({
      Dockerfile: "FROM scratch\nCOPY word /dir/\nLABEL made=1\n",
      word: "exported\n",
    });
    const out = await house.directory();
    const [tar, oci, archive] = ["out.tar", "oci.tar", "docker.tar"].map((name) => join(out, name));
    const outputs = [
      `type=local,dest=${join(out, "local")}`,
      `type=tar,dest=${tar}`,
      `type=oci,dest=${oci}`,
      `type=docker,dest=${archive}`,
      `type=registry`,
    ].flatMap((output) => ["--output", output]);
    await build([...outputs, "-t", `${host}/several:1`, context]);
    assert.equal(await readFile(join(out, "local/dir/word"), "utf8"), "exported\n");
    assert.deepEqual([...(await listTar(tar ?? "")).keys()], ["dir", "dir/word"]);
    for (const source of [`oci-archive:${oci}`, `docker-archive:${archive}`, `docker://${host}/several:1`]) {
      assert.deepEqual((await imageConfig(source)).config["Labels"], { made: "1" }, source);
    }
    const piped = await build(["--output", "type=tar,dest=-", context], { encoding: "latin1" } as RunOptions);
    assert.match(piped.stdout, /dir\/word\0/);
  });
});

suite("a build", () => {
  test("gets the client's secrets and its ssh agent", async () => {
    await using agent = await startSshAgent();
    const secret = join(await house.directory(), "secret");
    await writeFile(secret, "from a file");
    const context = await house.context({
      Dockerfile: `
        FROM ${house.base}
        RUN --mount=type=secret,id=file,required --mount=type=secret,id=variable,env=WORD cat /run/secrets/file > /made && echo " $WORD" >> /made
        RUN --mount=type=ssh test -S $SSH_AUTH_SOCK && echo agent >> /made
        FROM scratch
        COPY --from=0 /made /
      `,
    });
    const out = await house.directory();
    const from = [`--secret=id=file,src=${secret}`, "--secret=id=variable,env=SECRET_WORD", "--ssh=default"];
    const variables = { SECRET_WORD: "from a variable", SSH_AUTH_SOCK: agent.socket };
    await build([...from, `--output=${out}`, context], { env: variables });
    assert.equal(await readFile(join(out, "made"), "utf8"), "from a file from a variable\nagent\n");
    const { stderr } = await fails(["--no-cache", context]);
    assert.match(stderr, /^ERROR: failed to build: failed to solve: secret file: not found$/m);
  });

  test("leaves its cache elsewhere and finds it there, whatever is pruned", async () => {
    const context = await house.context({
      Dockerfile: `FROM ${house.base}\nRUN echo made > /made\nRUN echo more >> /made\n`,
    });
    const directory = await house.directory();
    const places = [
      [`type=registry,ref=${host}/cache:1,mode=max`, `type=registry,ref=${host}/cache:1`],
      [`type=local,dest=${directory},mode=max`, `type=local,src=${directory}`],
    ] as const;
    for (const [to, from] of places) {
      await build(["--cache-to", to, context]);
      await buildx(["prune", "--all", "--force"]);
      const { stderr } = await build(["--cache-from", from, context]);
      assert.equal(stderr.match(/^#\d+ CACHED$/gm)?.length, 2, stderr);
      assert.match(stderr, /importing cache manifest from/);
    }
  });

  test("shows in the disk usage, which is pruned", async () => {
    const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN head -c 3000000 /dev/zero > /big\n` });
    await build([context]);
    assert.match((await buildx(["du"])).stdout, /^ID\s+RECLAIMABLE\s+SIZE\s+LAST ACCESSED$[^]*3\.\d+MB/m);
    assert.match((await buildx(["du", "--verbose"])).stdout, /^Description:\s.*head -c 3000000/m);
    const pruned = (await buildx(["prune", "--force", "--all"])).stdout;
    assert.match(pruned, /^Total:\s+\d+(?:\.\d+)?[kM]?B$/m);
    assert.doesNotMatch((await buildx(["du"])).stdout, /3\.\d+MB/);
  });

  test("answers questions about its Dockerfile instead of being made", async () => {
    const context = await house.context({
      Dockerfile: "FROM scratch AS first\nfrom first AS second\nARG WORD=1\nLABEL a=$WORD\n",
    });
    const call = async (name: string) => (await build([`--call=${name}`, context])).stdout;
    assert.match(await call("targets"), /^second \(default\)/m);
    assert.match(await call("outline"), /^WORD\s+1/m);
    const check = await docker.docker(["buildx", "build", "--check", context], { env });
    assert.equal(check.code, 1);
    assert.match(check.stdout, /WARNING: ConsistentInstructionCasing/);
  });

  test("is told with the lines where it fails", async () => {
    const context = await house.context({
      Dockerfile: `FROM ${house.base}\n\nRUN echo doing; echo problem >&2; exit 42\n`,
    });
    const failed = await fails([context]);
    assert.equal(failed.code, 1);
    const [excerpt] = /^Dockerfile:3\n-+\n[^]*/m.exec(failed.stderr) ?? [];
    assert.equal(
      excerpt,
      [
        "Dockerfile:3",
        "--------------------",
        `   1 |     FROM ${house.base}`,
        "   2 |     ",
        "   3 | >>> RUN echo doing; echo problem >&2; exit 42",
        "   4 |     ",
        "--------------------",
        'ERROR: failed to build: failed to solve: process "/bin/sh -c echo doing; echo problem >&2; exit 42" did not complete successfully: exit code: 42',
        "",
      ].join("\n"),
    );
    assert.match(failed.stderr, /^ > \[2\/2\] RUN echo doing; .*:\n[\d.]+ doing\n[\d.]+ problem$/m);
  });

  test("is refused in the engine's own words", async () => {
    const context = await house.context({ Dockerfile: `FROM ${house.base}\nCOPY nothing /\n` });
    const said = async (...args: string[]) => /^ERROR: .*$/m.exec((await fails([...args, context])).stderr)?.[0] ?? "";
    assert.match(
      await said(),
      /^ERROR: failed to build: failed to solve: failed to compute cache key: .*"\/nothing": not found$/,
    );
    const unknown = await said("--output=type=nothing");
    assert.equal(unknown, 'ERROR: failed to build: failed to solve: exporter "nothing" could not be found');
    assert.match(await said("--target=other"), /failed to solve: target stage "other" could not be found$/);
  });

  test("ends with Ctrl-C, and its containers with it", async () => {
    const sleeping = endlessSleep();
    const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo sleeping; ${sleeping}\n` });
    const program = ["docker", ["buildx", "build", "--progress=plain", context]] as const;
    const client = spawn(...program, {
      env: { ...process.env, ...docker.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    for await (const chunk of client.stderr) {
      if (/ sleeping$/m.test((said += String(chunk))) && !client.killed) client.kill("SIGINT");
    }
    if (client.exitCode === null) await once(client, "close");
    assert.equal(client.exitCode, 130, said);
    await house.settled();
    await gone(sleeping);
  });
});
