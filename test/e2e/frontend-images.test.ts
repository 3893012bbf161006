import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { must, processTree, pushFrontendImage, serveFiles, startGit } from "../lab/mod.ts";
import { differs, openHouse } from "./harness.ts";

const house = await openHouse();
const inputs = "moby.buildkit.frontend.inputs";
const words = await pushFrontendImage(house.registry.host, house, {
  tag: "1",
  labels: { "moby.buildkit.frontend.caps": inputs },
});
const contextOf = (...orders: string[]) =>
  house.context({ Dockerfile: `# syntax=${words} and more\n${orders.join("\n")}\n` });
const wordsOf = async (context: string, args: readonly string[] = []) =>
  await readFile(join(await house.exported(context, args), "words"), "utf8");

suite("a frontend that is an image", () => {
  test("does what a syntax line asks it to", {
    skip: differs("an older BuildKit loses warnings that belong to no step"),
  }, async () => {
    const context = await contextOf("word hello", "warn mind the gap", "word world");
    const out = await house.directory();
    const { stderr } = await house.build(context, ["--output", `type=local,dest=${out}`]);
    assert.equal(await readFile(join(out, "words"), "utf8"), "hello\nworld\n");
    assert.match(stderr, new RegExp(`^#\\d+ resolve image config for docker-image://${words}$`, "m"));
    assert.match(stderr, new RegExp(`^#\\d+ docker-image://${words}@sha256:[0-9a-f]{64}$`, "m"));
    assert.match(stderr, /WARN: mind the gap/);
    await house.settled();
  });

  test("is asked by BUILDKIT_SYNTAX, and has all options", async () => {
    const context = await house.context({ Dockerfile: "options\n" });
    const said = await wordsOf(context, [`--build-arg=BUILDKIT_SYNTAX=${words} x`, "--build-arg=A=b", "--target=last"]);
    assert.match(said, /^build-arg:A: b$/m);
    assert.match(said, new RegExp(`^cmdline: ${words} x$`, "m"));
    assert.match(said, new RegExp(`^source: ${words}$`, "m"));
    assert.match(said, /^target: last$/m);
  });

  test("can look around, and give its result in the way of old", async () => {
    const context = await contextOf("files D*", `image ${house.base}`, "old");
    const said = await wordsOf(context);
    assert.match(said, new RegExp(`^Dockerfile\ndocker-image://${house.base} sha256:[0-9a-f]{64}\n$`));
  });

  test("may say something of the image, also to a client that leads the build", {
    skip: differs("an older BuildKit has another form for it"),
  }, async () => {
    const { host } = house.registry;
    const context = await contextOf("word hello", "say [1]");
    await house.build(context, ["-t", `${host}/said:ours`, "--push"]);
    const led = await house.buildx(["build", "--progress=plain", "-t", `${host}/said:theirs`, "--push", context]);
    assert.equal(led.code, 0, led.stderr);
    for (const tag of ["ours", "theirs"]) {
      const raw = async (name: string) =>
        JSON.parse(
          await must("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/said${name}`]),
        ) as {
          readonly manifests: readonly { readonly digest: string; readonly platform: { readonly os: string } }[];
          readonly layers: readonly { readonly digest: string }[];
        };
      const about = (await raw(`:${tag}`)).manifests.find(({ platform }) => platform.os === "unknown");
      const [statement] = (await raw(`@${about?.digest}`)).layers;
      const text = await (await fetch(`http://${host}/v2/said/blobs/${statement?.digest}`)).text();
      assert.match(text, /^\{"_type":".*","predicateType":"https:\/\/example\.com\/said\/v1",.*,"predicate":\[1\]\}$/);
    }
  });

  test("is told what is at an address and in a repository", {
    skip: differs("an older BuildKit cannot tell"),
  }, async (t) => {
    const files = await serveFiles({ "/word": "hello\n" });
    t.after(() => files[Symbol.asyncDispose]());
    const git = await startGit();
    t.after(() => git[Symbol.asyncDispose]());
    await git.repository("project.git", [{ word: "hello\n" }]);
    const remote = `${git.address}/project.git`;
    const said = await wordsOf(await contextOf(`source ${files.address}/word`, `source ${remote}#main`));
    const digest = createHash("sha256").update("hello\n").digest("hex");
    const commit = await git.commit("project.git", "main");
    assert.equal(said, `word sha256:${digest} 1640995200\nrefs/heads/main ${commit}\n`);
  });

  test("may have the built-in one do a part, and its result pushed for several platforms", async () => {
    const context = await contextOf("docker FROM scratch", "docker ARG TARGETARCH", "docker LABEL arch=$TARGETARCH");
    const image = `${house.registry.host}/made:latest`;
    await house.build(context, ["--platform", "linux/amd64,linux/arm64", "--push", "-t", image]);
    const config = async (arch: string) =>
      JSON.parse(
        await must("skopeo", [
          "inspect",
          "--tls-verify=false",
          "--config",
          `--override-arch=${arch}`,
          `docker://${image}`,
        ]),
      ) as { architecture: string; config: { Labels: Record<string, string> } };
    for (const arch of ["amd64", "arm64"]) {
      const { architecture, config: inner } = await config(arch);
      assert.deepEqual([architecture, inner.Labels["arch"]], [arch, arch]);
    }
  });

  test("says itself what is wrong", async () => {
    const { stderr } = await house.fails(await contextOf("fail there is no such word"));
    assert.match(stderr, /^ERROR: failed to build: failed to solve: there is no such word$/m);
  });

  test("that ends without a word is told with what it said last", {
    skip: differs("tells no more than the exit code"),
  }, async () => {
    const { stderr } = await house.fails(await contextOf("crash 3"));
    assert.match(stderr, /ERROR: failed to build: failed to solve: exit code: 3: crashed as I was told/);
    assert.match((await house.fails(await contextOf("crash 0"))).stderr, /no result for incomplete build/);
    await house.settled();
  });

  test("that is not there, or cannot do what is asked, is named with its line", async () => {
    const missing = await house.context({ Dockerfile: `# syntax=${house.registry.host}/nowhere:1\nword x\n` });
    const { stderr } = await house.fails(missing);
    assert.match(stderr, /nowhere:1: not found/);
    assert.match(stderr, /^ +1 \| >>> # syntax=\S+nowhere:1$/m);
    const named = await house.fails(await contextOf("word x"), ["--build-context=a=docker-image://b"]);
    assert.match(named.stderr, /unsupported frontend capability moby\.buildkit\.frontend\.contexts/);
  });

  test("that has itself do the work is stopped somewhere", async () => {
    const { stderr } = await house.fails(await contextOf("itself"), [], { timeoutMs: 120_000 });
    assert.match(stderr, /failed to solve: frontends call each other more than 8 deep$/m);
    await house.settled();
  });

  test("ends when the build is given up", async () => {
    const client = house.start(["build", "--progress=plain", await contextOf("hang")]);
    const frontends = () =>
      processTree(house.engine()?.pid ?? -1).filter(({ command }) => command.startsWith("/node /words.mjs"));
    while (frontends().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    client.kill("SIGINT");
    await once(client, "close");
    await house.settled();
    assert.deepEqual(frontends(), []);
  });
});

test("docker buildx, which leads builds itself, has such a frontend run as well", async () => {
  const out = await house.directory();
  const context = await contextOf("word hello", "inputs");
  const { code, stderr } = await house.buildx(["build", "--output", `type=local,dest=${out}`, context]);
  assert.equal(code, 0, stderr);
  assert.equal(await readFile(join(out, "words"), "utf8"), "hello\n");
});
