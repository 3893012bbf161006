import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { beforeEach, suite, test } from "node:test";
import {
  type Finished,
  type LabEngine,
  must,
  readIndex,
  registryUser,
  run,
  serveFiles,
  startEngine,
  startOldRegistry,
  startPickyRegistry,
  startRegistry,
  unpackDocker,
} from "../lab/mod.ts";
import { endlessSleep, imageConfig, openHouse, readMetadata } from "./harness.ts";

/** Two engines on this machine, and builders of which they are the nodes. One that a test has killed is there again for the next. */
const house = await openHouse();
const buildxProgram = join((await unpackDocker("sid")).plugins[0] ?? "", "docker-buildx");
const scratch = await house.directory();
const names = ["east", "west"] as const;
type Name = (typeof names)[number];
const address = (name: Name) => `unix://${join(scratch, name, "engine.sock")}`;
const engines = new Map<Name, LabEngine>();
const dead = new Set<Name>();

async function start(name: Name): Promise<void> {
  await mkdir(join(scratch, name), { recursive: true });
  engines.set(name, await startEngine(["--root", join(scratch, name, "root"), "--addr", address(name)]));
  dead.delete(name);
}

function kill(name: Name): void {
  process.kill(engines.get(name)?.pid ?? 0, "SIGKILL");
  dead.add(name);
}

house.own({
  async [Symbol.asyncDispose]() {
    for (const engine of engines.values()) await engine[Symbol.asyncDispose]();
  },
});
for (const name of names) await start(name);
beforeEach(async () => {
  for (const name of dead) {
    await engines.get(name)?.[Symbol.asyncDispose]();
    await start(name);
  }
});

async function create(builder: string, nodes: readonly { node: string; endpoint: string; platform?: string }[]) {
  for (const [at, { node, endpoint, platform }] of nodes.entries()) {
    const { code, stderr } = await house.polyarch([
      "create",
      "--name",
      builder,
      "--driver",
      "remote",
      "--node",
      node,
      ...(at > 0 ? ["--append"] : []),
      ...(platform ? ["--platform", platform] : []),
      endpoint,
    ]);
    assert.equal(code, 0, stderr);
  }
}
await create("farm", [
  { node: "east", endpoint: address("east"), platform: "linux/amd64" },
  { node: "west", endpoint: address("west"), platform: "linux/arm64" },
]);

const tags = (name: string) => `${house.registry.host}/${name}:latest`;
const onFarm = (...args: string[]) => ["--builder", "farm", "--platform", "linux/arm64,linux/amd64", ...args];
const raw = async (image: string) =>
  await must("skopeo", ["inspect", "--tls-verify=false", "--raw", `docker://${image}`]);

/** Something to build on both nodes that says where it is built; what it makes is always the same. */
const hello = () =>
  house.context({
    Dockerfile: `
      FROM --platform=$BUILDPLATFORM ${house.base} AS made
      ARG TARGETARCH
      RUN echo for $TARGETARCH > /made; touch -d @0 /made
      FROM ${house.base}
      COPY --from=made /made /made
      COPY hello /hello
    `,
    hello: "hello\n",
  });

/** Starts a build and waits until it has said something that `line` matches. */
async function started(args: readonly string[], line: RegExp) {
  const client = house.start(["build", "--progress=plain", ...args]);
  const said: string[] = [];
  const saidAt: number[] = [];
  const seen = Promise.withResolvers<void>();
  assert.ok(client.stderr);
  createInterface(client.stderr).on("line", (text) => {
    said.push(text);
    saidAt.push(performance.now());
    if (line.test(text)) seen.resolve();
  });
  const ended = once(client, "close").then(([code]) => code as number);
  void ended.then((code) => seen.reject(new Error(`ended with ${code}:\n${said.join("\n")}`)));
  await seen.promise;
  /** When it first said something that matches, or never. */
  const timeOf = (pattern: RegExp) => saidAt[said.findIndex((text) => pattern.test(text))] ?? Infinity;
  return { said, timeOf, ended };
}

suite("a build on two nodes", () => {
  test("is one index, the same as one node makes, under each of its names", async () => {
    const context = await hello();
    const env = { SOURCE_DATE_EPOCH: "0" };
    const metadata = join(await house.directory(), "metadata.json");
    const id = join(await house.directory(), "iid");
    const { stderr } = await house.build(
      context,
      onFarm("-t", tags("farm"), "-t", tags("other"), "--push", "--metadata-file", metadata, "--iidfile", id),
      { env },
    );
    assert.match(stderr, new RegExp(`merging manifest list ${tags("farm")}, ${tags("other")}\\n#\\d+ DONE`));
    assert.match(stderr, /\[east internal\] load build definition/);
    assert.match(stderr, /\[west internal\] load build definition/);
    assert.match(stderr, /\[west linux\/amd64->arm64 made 2\/2\] RUN/);
    await house.build(context, ["--platform", "linux/arm64,linux/amd64", "-t", tags("single"), "--push"], { env });
    assert.equal(await raw(tags("farm")), await raw(tags("single")));
    assert.equal(await raw(tags("other")), await raw(tags("single")));
    const { "containerimage.digest": digest, ...rest } = await readMetadata(metadata);
    assert.equal(await readFile(id, "utf8"), digest);
    assert.deepEqual(rest, {});
    const copy = join(await house.directory(), "copy");
    await must("skopeo", ["copy", "-q", "--all", "--src-tls-verify=false", `docker://${tags("farm")}`, `oci:${copy}`]);
  });

  test("leaves a directory per platform in one destination", async () => {
    const out = await house.exported(await hello(), onFarm());
    assert.deepEqual((await readdir(out)).toSorted(), ["linux_amd64", "linux_arm64"]);
    assert.equal(await readFile(join(out, "linux_arm64", "made"), "utf8"), "for arm64\n");
    assert.equal(await readFile(join(out, "linux_amd64", "made"), "utf8"), "for amd64\n");
  });

  test("makes no archives, and says of an image that is not pushed where it is", async () => {
    const context = await hello();
    for (const type of ["oci", "tar"]) {
      const { stderr } = await house.fails(context, onFarm("-o", `type=${type},dest=${scratch}/x.tar`));
      assert.match(stderr, new RegExp(`${type} for multi-node builds currently not supported`));
    }
    const { stderr } = await house.fails(context, onFarm("--load"));
    assert.match(stderr, /docker exporter does not currently support exporting manifest lists/);
    const kept = await house.build(context, onFarm("-o", "type=image,name=x"));
    assert.match(kept.stderr, /WARNING: Each of the nodes east, west keeps its part of the image/);
  });

  test("puts annotations of the index where they belong", async () => {
    const output = `type=image,name=${tags("noted")},push=true,annotation-index.a=b,annotation-manifest-descriptor[linux/arm64].c=d`;
    await house.build(await hello(), onFarm("-o", output));
    const index = JSON.parse(await raw(tags("noted")));
    assert.deepEqual(index.annotations, { a: "b" });
    assert.deepEqual(
      index.manifests.map(({ annotations }: { annotations?: object }) => annotations),
      [{ c: "d" }, undefined],
    );
  });

  test("fails as the node's build fails, and the other one ends", async () => {
    const context = await house.context({
      Dockerfile: `
        FROM --platform=$BUILDPLATFORM ${house.base}
        ARG TARGETARCH
        RUN if [ $TARGETARCH = arm64 ]; then exit 7; else ${endlessSleep()}; fi
      `,
    });
    const { stderr } = await house.fails(context, onFarm());
    assert.match(
      stderr,
      /ERROR: failed to build: failed to solve: process .* did not complete successfully: exit code: 7/,
    );
  });

  test("needs a login on the client only", async (t) => {
    const guarded = await startRegistry({ users: true });
    t.after(() => guarded[Symbol.asyncDispose]());
    const config = await house.directory();
    const { username, password } = registryUser;
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    await writeFile(join(config, "config.json"), JSON.stringify({ auths: { [guarded.host]: { auth } } }));
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
    const image = `${guarded.host}/guarded:latest`;
    const refused = await house.fails(context, onFarm("-t", image, "--push"));
    assert.match(refused.stderr, /authorization|unauthorized|authentication required|no basic auth credentials/i);
    await house.build(context, onFarm("-t", image, "--push"), { env: { DOCKER_CONFIG: config } });
    const login = ["--creds", `${username}:${password}`, "--tls-verify=false"];
    assert.equal(
      JSON.parse(await must("skopeo", ["inspect", ...login, "--raw", `docker://${image}`])).manifests.length,
      2,
    );
  });

  test("goes to a registry that is older than OCI's formats in a form that it takes, with a warning", async (t) => {
    const old = await startOldRegistry(house.registry.host);
    t.after(() => old[Symbol.asyncDispose]());
    const metadata = join(await house.directory(), "metadata.json");
    const { stderr } = await house.build(
      await hello(),
      onFarm("-t", `${old.host}/aged:latest`, "--push", "--metadata-file", metadata),
    );
    const warnings = stderr.match(
      /^ - registry \S+ does not take application\/vnd\.oci\.\S+: the image was pushed in Docker's older format \(.*oci-mediatypes=false.*\)$/gm,
    );
    assert.equal(warnings?.length, 1, `one warning of two nodes:\n${stderr}`);
    const pushed = await raw(tags("aged"));
    assert.equal(JSON.parse(pushed).mediaType, "application/vnd.docker.distribution.manifest.list.v2+json");
    assert.equal(
      (await readMetadata(metadata))["containerimage.digest"],
      `sha256:${createHash("sha256").update(pushed).digest("hex")}`,
    );
    const refused = await house.fails(
      await hello(),
      onFarm("-o", `type=image,name=${old.host}/aged:2,push=true,oci-mediatypes=true`),
    );
    assert.match(refused.stderr, /manifest invalid.*oci-mediatypes=false/);
  });

  test("names the registry's failure as that of the merge", async (t) => {
    const picky = await startPickyRegistry(house.registry.host, ({ name }) =>
      name === "latest" ? "no tags here" : undefined,
    );
    t.after(() => picky[Symbol.asyncDispose]());
    const image = `${picky.host}/refused:latest`;
    const { stderr } = await house.fails(await hello(), onFarm("-t", image, "--push"));
    assert.match(stderr, new RegExp(`#\\d+ merging manifest list ${image}\\n#\\d+ ERROR: .*no tags here`));
    assert.match(stderr, new RegExp(`\\n > merging manifest list ${image}:\\n`));
    assert.match(stderr, /^ERROR: failed to build: .*no tags here/m);
  });
});

suite("a node that is not there", () => {
  /**
   * Something that ends when it is told to, for arm64 only: plain progress shows one running step, and this is the one to wait for.
   * The test goes on before it does, and tells it to end then.
   */
  async function slow() {
    const files: Record<string, string> = {};
    const server = await serveFiles(files);
    const context = await house.context({
      Dockerfile: `
        FROM --platform=$BUILDPLATFORM ${house.base}
        ARG TARGETARCH
        RUN echo working for $TARGETARCH; if [ $TARGETARCH = arm64 ]; then until wget -q -O /dev/null ${server.address}/end; do sleep 0.2; done; fi; echo $TARGETARCH > /made
      `,
    });
    const end = () => (files["/end"] = "now");
    return { context, end, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }

  test("leaves its share to another when it is killed in the middle of it", async () => {
    await using work = await slow();
    const args = onFarm("-t", tags("moved"), "--push", work.context);
    const { said, timeOf, ended } = await started(args, /working for arm64/);
    const killed = performance.now();
    kill("west");
    work.end();
    const code = await ended;
    assert.equal(code, 0, said.join("\n"));
    const named = timeOf(/^#\d+ node "west" \(unix:\S+\) has gone away: /);
    assert.ok(named - killed < 60_000, `${named - killed} ms\n${said.join("\n")}`);
    const platforms = (await readIndex(tags("moved"))).map(({ platform }) => platform.architecture);
    assert.deepEqual(platforms, ["arm64", "amd64"]);
  });

  test("is named when it stops answering, and its share is done elsewhere", async () => {
    await using work = await slow();
    const args = onFarm("-t", tags("hung"), "--push", work.context);
    const { said, timeOf, ended } = await started(args, /working for arm64/);
    const stopped = performance.now();
    process.kill(engines.get("west")?.pid ?? 0, "SIGSTOP");
    work.end();
    const code = await ended;
    kill("west");
    assert.equal(code, 0, said.join("\n"));
    const named = timeOf(/^#\d+ node "west" \(unix:\S+\) no longer answers: /);
    assert.ok(named - stopped < 120_000, `${named - stopped} ms\n${said.join("\n")}`);
  });

  test("leaves a whole build to another, too", async () => {
    await using work = await slow();
    const where = ["--builder", "farm", "--platform", "linux/arm64", "-t", tags("whole"), "--push"];
    const { said, ended } = await started([...where, work.context], /working for arm64/);
    kill("west");
    work.end();
    assert.equal(await ended, 0, said.join("\n"));
    assert.ok(await imageConfig(`docker://${tags("whole")}`));
  });

  test("is not needed by a build for another node's platforms", async () => {
    kill("west");
    await house.build(await hello(), ["--builder", "farm", "--platform", "linux/amd64", "-o", "type=cacheonly"]);
  });

  test("is passed over before the build has begun", async () => {
    kill("west");
    const begun = performance.now();
    const { stderr } = await house.build(await hello(), onFarm("-t", tags("early"), "--push"));
    assert.match(stderr, /node "west" \(unix:\S+\) does not answer: /);
    assert.ok(performance.now() - begun < 120_000);
    assert.equal((await readIndex(tags("early"))).length, 2);
  });

  test("is named in the failure when nobody else can do its share", async () => {
    await create("odd", [
      { node: "near", endpoint: address("east") },
      { node: "far", endpoint: `unix://${scratch}/nobody.sock`, platform: "freebsd/amd64" },
    ]);
    const begun = performance.now();
    const { stderr } = await house.fails(await hello(), [
      "--builder",
      "odd",
      "--platform",
      "linux/amd64,freebsd/amd64",
    ]);
    assert.match(
      stderr,
      /ERROR: failed to build: no node of builder "odd" is left that builds for freebsd\/amd64: node "far" \(unix:\S+nobody\.sock\) does not answer: /,
    );
    assert.ok(performance.now() - begun < 120_000);
  });
});

suite("docker buildx", () => {
  test("builds on the same two nodes and merges by itself", async () => {
    const context = await hello();
    const buildx = (...args: string[]): Promise<Finished> =>
      run(buildxProgram, args, { env: house.env, timeoutMs: 120_000 });
    const metadata = join(await house.directory(), "metadata.json");
    const args = ["build", "--progress=plain", "--provenance=false", "--metadata-file", metadata];
    const { code, stderr } = await buildx(...args, ...onFarm("-t", tags("theirs"), "--push"), context);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /merging manifest list/);
    const platforms = (await readIndex(tags("theirs"))).map(({ platform }) => platform.architecture);
    assert.deepEqual(platforms.toSorted(), ["amd64", "arm64"]);
    const { "containerimage.digest": digest, ...rest } = await readMetadata(metadata);
    assert.equal(
      digest,
      `sha256:${createHash("sha256")
        .update(await raw(tags("theirs")))
        .digest("hex")}`,
    );
    assert.deepEqual(rest, {});
  });
});
