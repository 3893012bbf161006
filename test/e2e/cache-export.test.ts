import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type LabPolyarch, must, run, startDocker, unpackDocker } from "../lab/mod.ts";
import { differs, openEngine, openHouse } from "./harness.ts";

/** Engines that share nothing but what is exported. */
const house = await openHouse();
const other = house.own(await openEngine());
const context = await house.context({
  Dockerfile: `
    FROM ${house.base} AS made
    WORKDIR /work
    COPY word .
    RUN cat word > made; head -c 8 /dev/urandom | od -An -tx1 > /work/random
    FROM ${house.base}
    RUN echo final > /final
    COPY --from=made /work /work
    RUN cat /work/random > /copied
  `,
  word: "word\n",
});
const image = (name: string) => `${house.registry.host}/${name}`;
const cacheOf = (name: string) => `type=registry,ref=${image(name)}`;
const build = async (engine: LabPolyarch, args: readonly string[]) => {
  const done = await engine.polyarch(["build", "--progress=plain", ...args, context]);
  assert.equal(done.code, 0, done.stderr);
  return done.stderr;
};
/** Names of the steps that were not done again. */
const cached = (log: string): readonly string[] => {
  const names = new Map([...log.matchAll(/^#(\d+) (\[.*)$/gm)].map(([, step, name]) => [step, name]));
  return [...log.matchAll(/^#(\d+) CACHED$/gm)].map(([, step]) => names.get(step) ?? "").toSorted();
};
const randomOf = async (engine: LabPolyarch, args: readonly string[]): Promise<{ log: string; random: string }> => {
  const dest = await house.directory();
  const log = await build(engine, [...args, "--output", `type=local,dest=${dest}`]);
  return { log, random: await readFile(join(dest, "copied"), "utf8") };
};
/** An engine that knows nothing. */
const anew = async () => {
  await other.forget();
  return other;
};
const all = [
  "[made 2/4] WORKDIR /work",
  "[made 3/4] COPY word .",
  "[made 4/4] RUN cat word > made; head -c 8 /dev/urandom | od -An -tx1 > /work/random",
  "[stage-1 2/4] RUN echo final > /final",
  "[stage-1 3/4] COPY --from=made /work /work",
  "[stage-1 4/4] RUN cat /work/random > /copied",
];

suite("a cache in a registry", () => {
  for (const form of ["", ",image-manifest=false", ",oci-mediatypes=false"]) {
    for (const mode of ["min", "max"]) {
      test(`mode=${mode}${form}: another engine does nothing again`, async () => {
        const name = `cache-${mode}${form.replaceAll(/\W/g, "-")}`;
        const { log: exporting, random } = await randomOf(house, [`--cache-to=${cacheOf(name)},mode=${mode}${form}`]);
        assert.match(exporting, /^#\d+ exporting cache to registry$/m);
        const fresh = await anew();
        const { log, random: again } = await randomOf(fresh, [`--cache-from=${image(name)}`]);
        assert.match(log, /^#\d+ importing cache manifest from \S+$/m);
        assert.equal(again, random);
        assert.ok(cached(log).includes("[stage-1 3/4] COPY --from=made /work /work"), log);
        assert.doesNotMatch(log, /^#\d+ \[made 4\/4\].*\n#\d+ DONE/m);
      });
    }
  }

  test("mode=max has the steps of other stages, too", async () => {
    await anew(); // where it is the same engine, it has all steps of its own then
    await build(house, [`--cache-to=${cacheOf("full")},mode=max`]);
    const fresh = await anew();
    const log = await build(fresh, [`--cache-from=${cacheOf("full")}`, "--target=made"]);
    for (const step of all.slice(0, 2)) assert.ok(cached(log).includes(step), log);
    const least = await build(await anew(), [`--cache-from=${image("cache-min")}`, "--target=made"]);
    assert.deepEqual(cached(least), []);
  });

  test("what has changed is done again, and what comes before it is not", async () => {
    await build(house, [`--cache-to=${cacheOf("part")},mode=max`]);
    const fresh = await anew();
    const changed = await house.context({
      Dockerfile: (await readFile(join(context, "Dockerfile"), "utf8")).replace("random > /copied", "random > /other"),
      word: "word\n",
    });
    const done = await fresh.polyarch(["build", "--progress=plain", `--cache-from=${image("part")}`, changed]);
    assert.equal(done.code, 0, done.stderr);
    assert.ok(cached(done.stderr).includes("[stage-1 3/4] COPY --from=made /work /work"), done.stderr);
  });

  test("that is not there is told, and the build goes on", async () => {
    const log = await build(await anew(), [`--cache-from=${image("nothing")}`]);
    assert.match(log, /importing cache manifest from \S+nothing(?::latest)?\n#\d+ ERROR: .*not found/);
    const unknown = await build(await anew(), ["--cache-from=type=nonsense"]);
    assert.match(unknown, /importing cache manifest from nonsense:\d+\n#\d+ ERROR: unknown cache importer: nonsense/);
  });

  test("that cannot be written is the build's failure, unless it may fail", async () => {
    const bad = "type=registry,ref=127.0.0.1:1/nobody";
    const { stderr } = await house.fails(context, [`--cache-to=${bad}`]);
    assert.match(stderr, /ERROR: failed to build: failed to solve: .*127\.0\.0\.1:1/);
    assert.match(
      await build(house, [`--cache-to=${bad},ignore-error=true`]),
      /exporting cache to registry\n(.*\n)*#\d+ ERROR/,
    );
  });
});

suite("a cache in a directory", () => {
  test("serves another engine, under its tag", async () => {
    const dest = await house.directory();
    const { random } = await randomOf(house, [`--cache-to=type=local,dest=${dest},mode=max,tag=one`]);
    assert.deepEqual((await readdir(dest)).toSorted(), ["blobs", "index.json", "ingest", "oci-layout"]);
    const { log, random: again } = await randomOf(await anew(), [`--cache-from=type=local,src=${dest},tag=one`]);
    assert.equal(again, random);
    assert.ok(cached(log).includes("[stage-1 3/4] COPY --from=made /work /work"), log);
    const missing = await build(house, [`--cache-from=type=local,src=${dest},tag=two`]);
    assert.match(missing, /^WARNING: local cache import at \S+ skipped: no digest found for tag "two"$/m);
    assert.match(
      await build(house, [`--cache-from=type=local,src=${dest}/none`]),
      /^WARNING: local cache import at \S+none not found due to err: /m,
    );
  });

  test("reset=true leaves only what a tag leads to", async () => {
    const dest = await house.directory();
    await anew();
    await build(house, [`--cache-to=type=local,dest=${dest},mode=max`, "--build-arg=A=1"]);
    const before = await readdir(join(dest, "blobs/sha256"));
    await build(house, [`--cache-to=type=local,dest=${dest},mode=min,reset=true`, "--target=made"]);
    const after = await readdir(join(dest, "blobs/sha256"));
    assert.ok(after.length < before.length, `${before.length} blobs before, ${after.length} after`);
  });
});

test("a cache inside of the image serves whoever has the image's name", async () => {
  const { random } = await randomOf(house, []);
  await build(house, ["--cache-to=type=inline", "--platform=linux/amd64", "--push", "-t", image("inline")]);
  const { log, random: again } = await randomOf(await anew(), [`--cache-from=${image("inline")}`]);
  assert.equal(again, random);
  assert.ok(cached(log).includes("[stage-1 3/4] COPY --from=made /work /work"), log);
  await build(house, ["--build-arg=BUILDKIT_INLINE_CACHE=1", "--push", "-t", image("inline2")]);
  const config = await must("skopeo", [
    "inspect",
    "--tls-verify=false",
    "--config",
    "--raw",
    `docker://${image("inline2")}`,
  ]);
  assert.ok("moby.buildkit.cache.v0" in (JSON.parse(config) as object));
});

suite("docker buildx with our engine", { skip: differs("our engine's doing") }, async () => {
  const program = join((await unpackDocker("sid")).plugins[0] ?? "", "docker-buildx");
  const buildx = async (engine: LabPolyarch, args: readonly string[]) => {
    const env = { ...engine.env, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" };
    await run(program, ["rm", "ours"], { env });
    await must(program, ["create", "--name=ours", "--driver=remote", `unix://${engine.socket}`], { env });
    const done = await run(program, ["build", "--builder=ours", "--progress=plain", ...args, context], { env });
    assert.equal(done.code, 0, done.stderr);
    return done.stderr;
  };

  for (const [what, to, from] of [
    ["a registry", cacheOf("theirs"), cacheOf("theirs")],
    ["a directory", "type=local,dest=DIR", "type=local,src=DIR"],
  ] as const) {
    test(`writes a cache to ${what} and reads it`, async () => {
      const directory = await house.directory();
      await house.polyarch(["build", "--progress=quiet", context]); // starts the engine
      await buildx(house, [`--cache-to=${to.replace("DIR", directory)},mode=max`]);
      const fresh = await anew();
      const started = await fresh.polyarch(["inspect", "--bootstrap"]);
      assert.equal(started.code, 0, started.stderr);
      const log = await buildx(fresh, [`--cache-from=${from.replace("DIR", directory)}`]);
      assert.ok(cached(log).includes("[stage-1 4/4] RUN cat /work/random > /copied"), log);
    });
  }
});

suite("our client with the engine inside Docker", { skip: differs("the same engine again") }, () => {
  test("has it write caches and read them; those of our engine do it no harm", async (t) => {
    const docker = await startDocker("sid");
    t.after(() => docker[Symbol.asyncDispose]());
    const builds = async (...args: string[]) => {
      const env = { DOCKER_HOST: docker.host };
      const whole = ["build", "--builder=default", "--network=host", "--progress=plain", ...args, context];
      const done = await house.polyarch(whole, { env });
      assert.equal(done.code, 0, done.stderr);
      return done.stderr;
    };
    const forget = () => must("docker", ["builder", "prune", "--all", "--force"], { env: docker.env });
    const dest = await house.directory();
    await builds(`--cache-to=type=local,dest=${dest},mode=max`, `--cache-to=${cacheOf("docker")},mode=max`);
    for (const from of [`type=local,src=${dest}`, cacheOf("docker")]) {
      await forget();
      assert.deepEqual(cached(await builds(`--cache-from=${from}`)), all);
    }
    await build(house, [`--cache-to=${cacheOf("ours")},mode=max`]);
    await forget();
    assert.doesNotMatch(await builds(`--cache-from=${cacheOf("ours")}`), /ERROR/);
  });
});
