import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, suite, test, type TestContext } from "node:test";
import { createServer } from "node:tls";
import {
  type DockerRelease,
  type Finished,
  type LabDocker,
  must,
  polyarchProgram,
  readIndex,
  registryUser,
  run,
  startDocker,
  startRegistry,
  startSshd,
  unpackDocker,
} from "../lab/mod.ts";
import { openHouse, readMetadata } from "./harness.ts";

const house = await openHouse();
const dockerfile = `
  FROM ${house.base}
  RUN uname -m > /machine
  COPY word /
`;
const context = await house.context({ Dockerfile: dockerfile, word: "hello\n" });
/** The engine's containers have no network but the host's. */
const build = ["build", "--builder=default", "--progress=plain", "--network=host"];

let docker: LabDocker;
const start = (release: DockerRelease) => {
  before(async () => {
    docker = await startDocker(release);
  });
  after(() => docker[Symbol.asyncDispose]());
};
const polyarch = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  house.polyarch(args, { env: { ...docker.env, BUILDX_NO_DEFAULT_ATTESTATIONS: "1", ...env } });
type Program = (args: readonly string[]) => Promise<Finished>;
const buildxProgram = join((await unpackDocker("sid")).plugins[0] ?? "", "docker-buildx");
const buildx: Program = (args) =>
  run(buildxProgram, args, { env: { ...house.env, DOCKER_HOST: docker.host, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" } });
const home = await house.directory();
const works = async (args: readonly string[], env?: Readonly<Record<string, string>>) => {
  const done = await polyarch(args, env);
  assert.equal(done.code, 0, done.stderr);
  return done;
};

/** What a build reports, without what is of one build alone. */
async function reported(program: Program, ...args: readonly string[]): Promise<object> {
  const [iid, metadata] = [join(home, "iid"), join(home, "metadata")];
  await writeFile(iid, "stale");
  await rm(metadata, { force: true });
  const line = [...build, `--iidfile=${iid}`, `--metadata-file=${metadata}`, ...args, context];
  const { code, stderr } = await program(line);
  const told = Object.entries(code === 0 ? await readMetadata(metadata) : {});
  const rest = told.filter(([key]) => !/^buildx\.build\.(?:ref|provenance)/.test(key));
  return { code, error: code === 0 ? "" : stderr, id: await readFile(iid, "utf8"), ...Object.fromEntries(rest) };
}

/** Compares what both programs report of builds. */
async function sameReports(cases: readonly (readonly string[])[]): Promise<void> {
  for (const args of cases) {
    const [theirs, ours] = [await reported(buildx, ...args), await reported(polyarch, ...args)];
    assert.deepEqual(ours, theirs, args.join(" "));
  }
}

/** TLS in front of the engine's socket, with certificates that the engine's clients must have signed alike. */
async function tlsFront(t: TestContext): Promise<{ host: string; certs: string }> {
  const certs = await mkdtemp(join(tmpdir(), "polyarch-certs-"));
  await must(polyarchProgram, ["daemon", "certs", certs]);
  const pem = (name: string) => readFile(join(certs, "daemon", name));
  const [ca, cert, key] = await Promise.all(["ca.pem", "cert.pem", "key.pem"].map(pem));
  const server = createServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true, allowHalfOpen: true });
  server.on("secureConnection", (client) => {
    const engine = connect({ path: docker.host.slice("unix://".length), allowHalfOpen: true });
    for (const socket of [client, engine]) socket.on("error", () => (client.destroy(), engine.destroy()));
    client.pipe(engine).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.close();
    await rm(certs, { recursive: true });
  });
  return { host: `tcp://127.0.0.1:${(server.address() as { port: number }).port}`, certs };
}

suite("the docker driver, with images in containerd's store", () => {
  start("sid");

  test("builds what docker then runs", async () => {
    const { stderr } = await works([...build, "-t", "made:1", context]);
    assert.match(stderr, /^#0 building with "default" instance using docker driver$/m);
    const run = ["run", "--rm", "--network=none", "made:1", "cat", "/word", "/machine"];
    assert.match((await docker.docker(run)).stdout, /^hello\n(x86_64|aarch64)\n$/);
  });
  test("is what builds where Docker's settings name an engine, unless our own is asked for", async () => {
    const [, , ...plain] = build;
    const by = async (env: Readonly<Record<string, string>>, ...args: readonly string[]) => {
      const { stderr } = await works(
        ["build", "--progress=plain", "-o", "type=cacheonly", ...args, ...plain, context],
        env,
      );
      return /building with "(\S+)" instance using (\S+) driver/.exec(stderr)?.slice(1).join(" ");
    };
    assert.equal(await by({}), "default docker");
    assert.equal(await by({}, "--builder=embedded"), "embedded embedded");
    assert.equal(await by({ DOCKER_HOST: "" }), "embedded embedded");
    const made = await docker.docker(["context", "create", "near", "--docker", `host=${docker.host}`]);
    assert.equal(made.code, 0, made.stderr);
    assert.equal(await by({ DOCKER_HOST: "", DOCKER_CONTEXT: "near" }), "near docker");
    assert.equal((await docker.docker(["context", "use", "near"])).code, 0);
    assert.equal(await by({ DOCKER_HOST: "" }), "near docker");
    assert.equal((await docker.docker(["context", "use", "default"])).code, 0);
    assert.equal(await by({ DOCKER_HOST: "" }), "embedded embedded");
  });
  test("builds for several platforms, keeps the index and pushes it", async () => {
    const image = `${house.registry.host}/two:1`;
    await works([...build, "--platform=linux/amd64,linux/386", "-t", image, "--push", context]);
    const pushed = await readIndex(image);
    assert.deepEqual(
      pushed.map(({ platform }) => platform.architecture),
      ["amd64", "386"],
    );
    assert.equal((await docker.docker(["image", "inspect", image])).code, 0);
  });
  test("is given images of several platforms by our own engine, and by the name of its context, too", async () => {
    const both = ["--platform=linux/amd64,linux/386", "--progress=plain", context];
    const word = async (image: string, platform: string) => {
      const run = ["run", "--rm", "--network=none", `--platform=${platform}`, image, "cat", "/word"];
      return (await docker.docker(run)).stdout;
    };
    const iid = join(home, "loaded");
    const load = ["build", "--builder=embedded", "--load", `--iidfile=${iid}`, "-t", "loaded:both", ...both];
    const { stderr } = await works(load);
    assert.match(stderr, /importing to docker/);
    for (const platform of ["linux/amd64", "linux/386"]) {
      assert.equal(await word("loaded:both", platform), "hello\n", platform);
    }
    const id = await docker.docker(["image", "inspect", "--format={{.Id}}", "loaded:both"]);
    assert.equal(await readFile(iid, "utf8"), id.stdout.trim());

    const made = await docker.docker(["context", "create", "loads", "--docker", `host=${docker.host}`]);
    assert.equal(made.code, 0, made.stderr);
    const named = ["build", "--builder=embedded", "-o", "type=docker,context=loads", "-t", "loaded:there", ...both];
    await works(named, { DOCKER_HOST: "unix:///nonexistent.sock" });
    assert.equal(await word("loaded:there", "linux/386"), "hello\n");
  });
  test("writes to the client's disk, and to archives", async () => {
    const dest = await house.directory();
    await works([...build, "-o", `type=local,dest=${dest}`, "-o", `type=oci,dest=${dest}.tar`, context]);
    assert.equal(await readFile(join(dest, "word"), "utf8"), "hello\n");
    const inspect = ["inspect", "--config", `oci-archive:${dest}.tar`];
    assert.match(await must("skopeo", inspect), /"rootfs"/);
  });
  test("reports images and their digests as docker buildx does", async () => {
    const image = `${house.registry.host}/reported:1`;
    await sameReports([
      [],
      ["-t", "reported:1"],
      ["-t", "reported:1", "--platform=linux/amd64,linux/386"],
      ["-t", image, "-o", "type=image,push="],
      ["-t", image, "-o", "type=image,name=other:1"],
      ["-o", "type=cacheonly"],
    ]);
    const refused = await polyarch([...build, `--iidfile=${home}/iid`, "-o", `type=local,dest=${home}/out`, context]);
    assert.match(refused.stderr, /^ERROR: local and tar exporters are incompatible with image ID file$/m);
  });
  test("has the engine attest how an image is made, and tells of that and of warnings as docker buildx does", async () => {
    const env = { BUILDX_NO_DEFAULT_ATTESTATIONS: "0", BUILDX_METADATA_WARNINGS: "1" };
    const odd = await house.context({ Dockerfile: `from ${house.base} AS x\n  COPY Dockerfile /\n` });
    const told = async (args: readonly string[], run: (line: readonly string[]) => Promise<Finished>) => {
      const metadata = join(await house.directory(), "metadata");
      const image = `${house.registry.host}/attested:1`;
      const done = await run([...build, ...args, "-t", image, "--push", `--metadata-file=${metadata}`, odd]);
      assert.equal(done.code, 0, done.stderr);
      const all = (await readMetadata(metadata)) as Record<string, Record<string, unknown>>;
      const raw = await must("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${image}`]);
      const { manifests = [] } = JSON.parse(raw) as { manifests?: { platform: { architecture: string } }[] };
      const { invocation, ...rest } = all["buildx.build.provenance"] as { invocation: { parameters: unknown } };
      return {
        entries: manifests.map(({ platform }) => platform.architecture),
        keys: Object.keys(all).toSorted(),
        provenance: [Object.keys(rest).toSorted(), invocation.parameters],
        warnings: Object.values(all["buildx.build.warnings"] ?? {}).map((warning) => ({
          ...(warning as object),
          vertex: "",
        })),
      };
    };
    for (const args of [[], ["--provenance=mode=max"], ["--provenance=false"]]) {
      const theirs = await told(args, (line) =>
        run(buildxProgram, line, { env: { ...house.env, ...env, DOCKER_HOST: docker.host } }),
      );
      const ours = await told(args, (line) => polyarch(line, env));
      const sorted = ({ warnings, ...rest }: typeof ours) => ({
        ...rest,
        warnings: warnings.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
      });
      assert.deepEqual(sorted(ours), sorted(theirs), args.join(" "));
    }
  });
  test("gives the engine this user's secrets and logins", async (t) => {
    const registry = await startRegistry({ users: true });
    t.after(() => registry[Symbol.asyncDispose]());
    const own = { DOCKER_CONFIG: await house.directory(), WORD: "told to nobody" };
    const { username, password } = registryUser;
    const image = `${registry.host}/own:1`;
    const secret = await house.context({
      Dockerfile: `FROM ${image}\n  RUN --mount=type=secret,id=word wc -c < /run/secrets/word > /letters\n`,
    });
    const dest = await house.directory();
    const args = [...build, "--pull", "--secret=id=word,env=WORD", "-o", `type=local,dest=${dest}`, secret];
    await works(["login", "-u", username, "-p", password, registry.host], own);
    await works([...build, "-t", image, "--push", context], own);
    await works(args, own);
    assert.equal(await readFile(join(dest, "letters"), "utf8"), "14\n");
    const stranger = await polyarch(args, { ...own, DOCKER_CONFIG: home });
    assert.match(
      stranger.stderr,
      /ERROR: failed to build: failed to solve: .*(no basic auth credentials|401|authoriz)/,
    );
  });
  test("tells what the engine keeps and remembers as docker buildx does", async () => {
    const same = async (...args: readonly string[]) => {
      const [theirs, ours] = [await buildx(args), await works([...args, "--builder=default"])];
      // Between the two a moment passes.
      const settled = (text: string) =>
        text
          .replaceAll(/(?:\d+|About an?|Less than a) \w+ ago/g, "then")
          .replaceAll(/ +/g, " ")
          .replaceAll(/ $/gm, "");
      assert.equal(settled(ours.stdout), settled(theirs.stdout), args.join(" "));
      return ours.stdout;
    };
    assert.match(await same("du", "--filter=type=regular"), /^ID\s+RECLAIMABLE/m);
    await same("history", "ls", "--no-trunc");
    await same("history", "inspect", "^1", "--format={{.Name}} {{.Status}} {{.NumTotalSteps}}");
  });
  test("shows what a failing step says", async () => {
    const broken = await house.context({ Dockerfile: `FROM ${house.base}\n  RUN echo so it goes; exit 3\n` });
    const { code, stderr } = await polyarch([...build, broken]);
    assert.equal(code, 1);
    assert.match(stderr, /so it goes/);
    assert.match(stderr, /process "\/bin\/sh -c echo so it goes; exit 3" did not complete successfully: exit code: 3/);
  });
  test("reaches the engine over ssh", async (t) => {
    const { PATH = "", LD_LIBRARY_PATH = "", DOCKER_HOST = "" } = docker.env;
    const sshd = await startSshd({ PATH, LD_LIBRARY_PATH, DOCKER_HOST });
    t.after(() => sshd[Symbol.asyncDispose]());
    const env = { DOCKER_HOST: sshd.url, PATH: [sshd.bin, process.env["PATH"]].join(delimiter) };
    await works([...build, "-t", "over:ssh", context], env);
    assert.equal((await docker.docker(["image", "inspect", "over:ssh"])).code, 0);
    const shown = await works(["ls"], env);
    assert.match(shown.stdout, /^default\*\s+docker\s*\n.* default\s+running/m);
    const { stderr } = await polyarch([...build, context], {
      ...env,
      DOCKER_HOST: `${sshd.url.replace("root", "nobody")}`,
    });
    assert.match(stderr, /Permission denied|Connection closed/);
  });
  test("reaches the engine over TLS, by variables or by a context, and looks at its certificate", async (t) => {
    const { host, certs } = await tlsFront(t);
    const client = join(certs, "client");
    const variables = { DOCKER_HOST: host, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: client };
    await works([...build, "-t", "over:tls", context], variables);
    const files = ["ca", "cert", "key"].map((name) => `${name}=${join(client, `${name}.pem`)}`);
    const far = await docker.docker(["context", "create", "far", "--docker", [`host=${host}`, ...files].join()]);
    assert.equal(far.code, 0, far.stderr);
    const [, , ...rest] = build;
    await works(["build", "--builder=far", ...rest, "-t", "over:context", context], {
      DOCKER_HOST: "",
      DOCKER_CONTEXT: "far",
    });
    for (const image of ["over:tls", "over:context"]) {
      assert.equal((await docker.docker(["image", "inspect", image])).code, 0, image);
    }
    const { certs: strangers } = await tlsFront(t);
    const wrong = await polyarch([...build, context], { ...variables, DOCKER_CERT_PATH: join(strangers, "client") });
    assert.match(wrong.stderr, /ERROR: .*(self-signed certificate|unable to verify|certificate)/);
    const none = await polyarch([...build, context], { ...variables, DOCKER_CERT_PATH: context });
    assert.match(none.stderr, /could not read CA certificate/);
  });
  test("says where it looked when there is no engine", async () => {
    const { code, stderr } = await polyarch([...build, context], { DOCKER_HOST: "unix:///nonexistent.sock" });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /Cannot connect to the Docker daemon at unix:\/\/\/nonexistent\.sock\. Is the docker daemon running\?/,
    );
  });
});

suite("the docker driver, with an engine of old and its classic store", () => {
  start("stable");

  test("builds what docker then runs, and writes to the client's disk", async () => {
    await works([...build, "-t", "made:1", context]);
    const run = ["run", "--rm", "--network=none", "made:1", "cat", "/word"];
    assert.equal((await docker.docker(run)).stdout, "hello\n");
    const dest = await house.directory();
    await works([...build, "-o", `type=local,dest=${dest}`, context]);
    assert.equal(await readFile(join(dest, "word"), "utf8"), "hello\n");
  });
  test("has the engine push each tag, as the user of this machine", async (t) => {
    const registry = await startRegistry({ users: true });
    t.after(() => registry[Symbol.asyncDispose]());
    const { username, password } = registryUser;
    const home = await house.directory();
    const [one, two] = [`${registry.host}/classic:1`, `${registry.host}/classic:2`];
    const push = [...build, "--push", "-t", one, "-t", two, context];
    const stranger = await polyarch(push, { DOCKER_CONFIG: home });
    assert.equal(stranger.code, 1);
    assert.match(stranger.stderr, /no basic auth credentials/);
    await works(["login", "-u", username, "-p", password, registry.host], { DOCKER_CONFIG: home });
    const files = [`--metadata-file=${home}/metadata`, `--iidfile=${home}/iid`];
    const { stderr } = await works([...push, ...files], { DOCKER_CONFIG: home });
    for (const name of [one, two]) assert.ok(stderr.includes(`pushing ${name} with docker`), stderr);
    assert.match(stderr, /^#\d+ pushing layer [0-9a-f]{12} /m);
    const inspect = (name: string) =>
      must("skopeo", ["inspect", "--raw", "--tls-verify=false", `--creds=${username}:${password}`, `docker://${name}`]);
    const raw = await inspect(one);
    assert.equal(await inspect(two), raw);
    const digest = `sha256:${createHash("sha256").update(raw).digest("hex")}`;
    const metadata = JSON.parse(await readFile(`${home}/metadata`, "utf8")) as Record<string, string>;
    assert.equal(metadata["containerimage.digest"], digest);
    const id = (await docker.docker(["image", "inspect", "--format={{.Id}}", one])).stdout.trim();
    assert.equal(await readFile(`${home}/iid`, "utf8"), id);
    assert.equal((JSON.parse(raw) as { config: { digest: string } }).config.digest, id);
  });
  test("reports images and their digests as docker buildx does, and pushes when it does", async () => {
    const image = `${house.registry.host}/reported:2`;
    await sameReports([
      ["-t", "reported:2"],
      ["-t", image, "-o", "type=image,push="],
      ["-t", image, "-o", "type=registry,push=false"],
      ["-o", "type=cacheonly"],
    ]);
    assert.equal((await run("skopeo", ["inspect", "--tls-verify=false", `docker://${image}`])).code, 0);
  });
  test("is not given what its store has no place for", async () => {
    const load = ["build", "--builder=embedded", "--load", "-t", "loaded:both", context];
    const { code, stderr } = await polyarch([...load, "--platform=linux/amd64,linux/386"]);
    assert.equal(code, 1);
    assert.match(stderr, /docker exporter does not currently support exporting manifest lists/);
    await works(load);
    assert.equal((await docker.docker(["image", "inspect", "loaded:both"])).code, 0);
  });
  test("refuses what that engine cannot do, with docker buildx's words", async () => {
    const refused = async (what: string, ...args: string[]) => {
      const { code, stderr } = await polyarch([...build, ...args, context]);
      assert.equal(code, 1);
      const text = `${what} is not supported for the docker driver.\nSwitch to a different driver, or turn on the containerd image store, and try again.`;
      assert.ok(stderr.includes(text), stderr);
    };
    await refused("Multi-platform build", "--platform=linux/amd64,linux/arm64");
    await refused("OCI exporter", "-o", "type=oci,dest=x.tar");
    await refused("Attestation", "--provenance=true");
    await refused("Docker exporter", "-o", "type=docker,dest=x.tar");
  });
});
