import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import {
  type LabPolyarch,
  must,
  openPolyarch,
  run,
  startActionsCache,
  startAzure,
  startDocker,
  startS3,
  unpackDocker,
} from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

/** Engines that share nothing but what is exported. */
const house = await openHouse();
const other = house.own(await openPolyarch());
/** Its first stage has a layer that is sent in several parts. */
const context = await house.context({
  Dockerfile: `
    FROM ${house.base} AS made
    RUN head -c 20000000 /dev/urandom > /large
    RUN sha256sum /large > /sum
    FROM ${house.base}
    COPY --from=made /sum /sum
    RUN cat /sum > /copied
  `,
});
const last = "[stage-1 3/3] RUN cat /sum > /copied";
type Env = Readonly<Record<string, string>>;

const build = async (engine: LabPolyarch, args: readonly string[], env: Env = {}) => {
  const done = await engine.polyarch(["build", "--progress=plain", ...args, context], { env });
  assert.equal(done.code, 0, done.stderr);
  return done.stderr;
};
/** Names of the steps that were not done again. */
const cached = (log: string): readonly string[] => {
  const names = new Map([...log.matchAll(/^#(\d+) (\[.*)$/gm)].map(([, step, name]) => [step, name]));
  return [...log.matchAll(/^#(\d+) CACHED$/gm)].map(([, step]) => names.get(step) ?? "").toSorted();
};
/** What the build has made, out of thin air when it was not cached. */
const resultOf = async (engine: LabPolyarch, args: readonly string[], env: Env = {}) => {
  const dest = await house.directory();
  const log = await build(engine, [...args, "--output", `type=local,dest=${dest}`], env);
  return { log, sum: await readFile(join(dest, "copied"), "utf8") };
};
/** An engine that knows nothing. */
const anew = async () => {
  await other.kill();
  await rm(other.root, { recursive: true, force: true });
  return other;
};
/** Fails unless every blob is what its name says. */
const checkBlobs = (objects: ReadonlyMap<string, { readonly bytes: Buffer }>, prefix: string) => {
  const blobs = [...objects].filter(([key]) => key.startsWith(prefix));
  for (const [key, { bytes }] of blobs) {
    assert.equal(`${prefix}sha256:${createHash("sha256").update(bytes).digest("hex")}`, key);
  }
  assert.ok(blobs.length > 0);
};

suite("type=s3", async () => {
  const user = { bucket: "caches", region: "eu-central-1", accessKeyId: "AKLAB", secretAccessKey: "s3cr/t+key=" };
  const s3 = house.own(await startS3(user));
  const lent = house.own(await startS3({ ...user, sessionToken: "lent+for/an=hour" }));
  const place = `type=s3,bucket=caches,region=eu-central-1,endpoint_url=${s3.address},use_path_style=true`;
  const env = { AWS_ACCESS_KEY_ID: user.accessKeyId, AWS_SECRET_ACCESS_KEY: user.secretAccessKey };

  test("another engine does nothing again; large layers go in parts, and hiccups do no harm", async () => {
    s3.faults.push("SlowDown", "SlowDown");
    const to = `--cache-to=${place},prefix=p/,name=one;two,mode=max`;
    const { log: exporting, sum } = await resultOf(house, [to], env);
    assert.match(exporting, /^#\d+ exporting cache to Amazon S3$/m);
    assert.match(exporting, /^#\d+ writing layer sha256:[0-9a-f]{64}/m);
    checkBlobs(s3.objects, "p/blobs/");
    assert.deepEqual(s3.objects.get("p/manifests/one")?.bytes, s3.objects.get("p/manifests/two")?.bytes);
    assert.equal(s3.operations.filter((line) => /^UploadPart .* 200$/.test(line)).length, 3);

    s3.operations.length = 0;
    const again = await resultOf(await anew(), [`--cache-from=${place},prefix=p/,name=two`], env);
    assert.match(again.log, /^#\d+ importing cache manifest from s3:\d+$/m);
    assert.equal(again.sum, sum);
    assert.ok(cached(again.log).includes(last), again.log);
    const [large = ""] = [...s3.objects].find(([, { bytes }]) => bytes.byteLength > 20_000_000) ?? [];
    assert.ok(
      !s3.operations.some((line) => line.startsWith(`GetObject ${large}`)),
      "what nothing needs is not fetched",
    );

    s3.faults.push("cut", "cut");
    s3.operations.length = 0;
    const dest = await house.directory();
    const from = [`--cache-from=${place},prefix=p/,name=one`, "--target=made", `--output=type=local,dest=${dest}`];
    const whole = await build(await anew(), from, env);
    assert.equal(cached(whole).length, 2, whole);
    const made = createHash("sha256")
      .update(await readFile(join(dest, "large")))
      .digest("hex");
    assert.equal(sum, `${made}  /large\n`);
    assert.ok(
      s3.operations.some((line) => /^GetObject .* bytes=4096-$/.test(line)),
      s3.operations.join("\n"),
    );
  });

  test("blobs that are there stay, and are renewed when they are old", async () => {
    const to = `--cache-to=${place},prefix=touch/`;
    await build(house, [to], env);
    s3.operations.length = 0;
    await build(house, [to], env);
    assert.ok(!s3.operations.some((line) => /^(UploadPart|CopyObject|PutObject touch\/blobs)/.test(line)));
    for (const object of s3.objects.values()) object.modified = new Date(Date.now() - 48 * 3600_000);
    await build(house, [to], env);
    const copies = s3.operations.filter((line) => /^CopyObject touch\/blobs\/\S+ 200$/.test(line)).length;
    assert.equal(copies, [...s3.objects.keys()].filter((key) => key.startsWith("touch/blobs/")).length);
  });

  test("credentials come from a profile, or are lent for a time", async () => {
    const home = await house.directory();
    await mkdir(join(home, ".aws"));
    const lines = ["aws_access_key_id = AKLAB", `aws_secret_access_key = ${user.secretAccessKey}`];
    await writeFile(
      join(home, ".aws", "credentials"),
      ["[default]", "aws_access_key_id = nobody", "aws_secret_access_key = x", "[work]", ...lines].join("\n"),
    );
    await build(house, [`--cache-to=${place},prefix=profile/`], { HOME: home, AWS_PROFILE: "work" });
    checkBlobs(s3.objects, "profile/blobs/");
    const elsewhere = place.replace(s3.address, lent.address);
    await build(house, [`--cache-to=${elsewhere}`], { ...env, AWS_SESSION_TOKEN: "lent+for/an=hour" });
    checkBlobs(lent.objects, "blobs/");
  });

  test("that may not be used is told: a failed build where it is to be written, a failed step where it is read", async () => {
    const wrong = { ...env, AWS_SECRET_ACCESS_KEY: "another" };
    const { stderr } = await house.fails(context, [`--cache-to=${place}`], { env: wrong });
    assert.match(
      stderr,
      /ERROR: failed to build: failed to solve: failed to check file presence in cache: operation error S3: HeadObject, https response error StatusCode: 403, api error Forbidden: Forbidden: check access_key_id/,
    );
    const log = await build(await anew(), [`--cache-from=${place},prefix=p/,name=one`], wrong);
    assert.match(
      log,
      /importing cache manifest from s3:\d+\n#\d+ ERROR: .*GetObject.*api error SignatureDoesNotMatch: /,
    );
    assert.match(
      await build(house, [`--cache-to=${place},ignore-error=true`], wrong),
      /exporting cache to Amazon S3\n(.*\n)*#\d+ ERROR/,
    );
    const nowhere = "type=s3,bucket=caches";
    const failed = await house.fails(context, [`--cache-to=${nowhere}`], { env });
    assert.match(failed.stderr, /failed to solve: region \(\$AWS_REGION\) not set for s3 cache/);
  });

  test("docker buildx writes and reads it with our engine", async () => {
    const program = join((await unpackDocker("sid")).plugins[0] ?? "", "docker-buildx");
    const buildx = async (engine: LabPolyarch, args: readonly string[]) => {
      const own = { ...engine.env, ...env, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" };
      await run(program, ["rm", "ours"], { env: own });
      await must(program, ["create", "--name=ours", "--driver=remote", `unix://${engine.socket}`], { env: own });
      const done = await run(program, ["build", "--builder=ours", "--progress=plain", ...args, context], { env: own });
      assert.equal(done.code, 0, done.stderr);
      return done.stderr;
    };
    await buildx(house, [`--cache-to=${place},prefix=buildx/,mode=max`]);
    checkBlobs(s3.objects, "buildx/blobs/");
    const fresh = await anew();
    const started = await fresh.polyarch(["inspect", "--bootstrap"]);
    assert.equal(started.code, 0, started.stderr);
    const log = await buildx(fresh, [`--cache-from=${place},prefix=buildx/`]);
    assert.ok(cached(log).includes(last), log);
  });
});

suite("type=azblob", async () => {
  const key = Buffer.from("the account's key, of any length").toString("base64");
  const azure = house.own(await startAzure({ name: "lab", key }));
  const { blobs } = azure;
  const place = `type=azblob,account_url=${azure.accountUrl},account_name=lab,secret_access_key=${key},prefix=p`;

  test("another engine does nothing again; the container is made, large layers go in blocks, and hiccups do no harm", async () => {
    blobs.faults.push("busy");
    const { log: exporting, sum } = await resultOf(house, [`--cache-to=${place},name=one;two,mode=max`]);
    assert.match(exporting, /^#\d+ exporting cache to Azure Blob Storage$/m);
    assert.deepEqual([...azure.containers], ["buildkit-cache"]);
    checkBlobs(blobs.objects, "buildkit-cache/p/blobs/");
    assert.ok(
      blobs.objects.has("buildkit-cache/p/manifests/one") && blobs.objects.has("buildkit-cache/p/manifests/two"),
    );
    assert.equal(blobs.operations.filter((line) => line.startsWith("PutBlock ")).length, 3);
    blobs.operations.length = 0;
    await build(house, [`--cache-to=${place},mode=max`]);
    assert.deepEqual(
      blobs.operations.filter((line) => line.startsWith("Put")),
      ["PutBlob buildkit-cache/p/manifests/buildkit"],
    );

    blobs.faults.push("cut");
    const { log, sum: again } = await resultOf(await anew(), [`--cache-from=${place},name=none;two`]);
    assert.match(log, /^#\d+ importing cache manifest from azblob:\d+$/m);
    assert.equal(again, sum);
    assert.ok(cached(log).includes(last), log);
    assert.ok(blobs.operations.some((line) => /^GetBlob .* bytes=4096-$/.test(line)));
  });

  test("that may not be used is told: a failed build where it is to be written, a failed step where it is read", async () => {
    const wrong = place.replace(key, Buffer.from("another").toString("base64"));
    const { stderr } = await house.fails(context, [`--cache-to=${wrong}`]);
    assert.match(
      stderr,
      /failed to solve: failed to get properties of cache container buildkit-cache: RESPONSE 403, ERROR CODE: AuthenticationFailed: /,
    );
    const log = await build(await anew(), [`--cache-from=${wrong}`]);
    assert.match(log, /importing cache manifest from azblob:\d+\n#\d+ ERROR: .*AuthenticationFailed/);
    const failed = await house.fails(context, ["--cache-to=type=azblob"]);
    assert.match(failed.stderr, /account_url attribute is required for azblob cache/);
  });
});

suite("type=gha", async () => {
  const main = "refs/heads/main";
  const branch = "refs/heads/branch";
  const job = async (version: "1" | "2") => {
    const cache = await startActionsCache();
    const address = version === "1" ? "ACTIONS_CACHE_URL" : "ACTIONS_RESULTS_URL";
    const of = (token: string): Env => ({
      [address]: `${cache.address}/`,
      ACTIONS_RUNTIME_TOKEN: token,
      ...(version === "2" ? { ACTIONS_CACHE_SERVICE_V2: "true" } : {}),
    });
    return { cache, of };
  };

  for (const version of ["1", "2"] as const) {
    test(`version ${version}: another job does nothing again; what is large goes in parts, and hiccups do no harm`, async (t) => {
      const { cache, of } = await job(version);
      t.after(() => cache[Symbol.asyncDispose]());
      const writer = of(cache.token({ [main]: "write" }));
      cache.faults.push("busy", "busy");
      const { log: exporting, sum } = await resultOf(house, ["--cache-to=type=gha,mode=max"], writer);
      assert.match(exporting, /^#\d+ exporting to GitHub Actions Cache$/m);
      checkBlobs(cache.objects(), "buildkit-blob-1-");
      const index = `index-buildkit-1-${createHash("sha256").update(main).digest("hex").slice(0, 8)}`;
      assert.equal(cache.keys().at(-1), `${index}#1`);
      if (version === "2")
        assert.equal(cache.blobs.operations.filter((line) => line.startsWith("PutBlock ")).length, 3);

      await build(house, ["--cache-to=type=gha,mode=max"], writer);
      assert.deepEqual(cache.keys().slice(-2), [`${index}#1`, `${index}#2`], "a new index, and no new blobs");

      cache.faults.push("stale");
      const token = cache.token({ [branch]: "write", [main]: "read" });
      const reader = { ...of(token), GITHUB_API_URL: cache.address };
      const { log, sum: again } = await resultOf(await anew(), ["--cache-from=type=gha"], reader);
      assert.match(log, /^#\d+ importing cache manifest from gha:\d+$/m);
      assert.equal(again, sum);
      assert.ok(cached(log).includes(last), log);

      cache.calls.length = 0;
      const listing = `repository=lab/project,ghtoken=${cache.githubToken}`;
      await build(other, [`--cache-to=type=gha,scope=mine,${listing}`], reader);
      const listed = cache.calls.filter((line) => line === "GET /repos/lab/project/actions/caches 200").length;
      assert.equal(listed, 2, "once per branch, and no question per layer");
      assert.equal(
        cache.calls.filter((line) => /^(GET \/_apis|GetCache)/.test(line)).length,
        1,
        cache.calls.join("\n"),
      );
      const own = createHash("sha256").update(branch).digest("hex").slice(0, 8);
      assert.equal(cache.keys().at(-1), `index-mine-1-${own}#1`, "a branch writes its own");
    });

    test(`version ${version}: what a token does not allow is told`, async (t) => {
      const { cache, of } = await job(version);
      t.after(() => cache[Symbol.asyncDispose]());
      const fails = async (env: Env) => (await house.fails(context, ["--cache-to=type=gha"], { env })).stderr;
      assert.match(
        await fails(of(cache.token({ [main]: "read" }))),
        /failed to solve: .*github actions cache: reserve: unexpected status 403, cache write denied/,
      );
      assert.match(await fails(of(cache.token({ [main]: "write" }, -60))), /failed to solve: cache token expired at /);
      const forged = of(`${cache.token({ [main]: "write" })}x`);
      assert.match(await fails(forged), /failed to solve: github actions cache: look up: unexpected status 401, /);
      const log = await build(await anew(), ["--cache-from=type=gha"], forged);
      assert.match(
        log,
        /importing cache manifest from gha:\d+\n#\d+ ERROR: github actions cache: look up: unexpected status 401/,
      );
    });
  }

  test("is no more than a wish where there is no job", async () => {
    const log = await build(house, ["--cache-to=type=gha,mode=max", "--cache-from=type=gha"]);
    assert.doesNotMatch(log, /GitHub|gha/);
  });

  test("the engine inside Docker and our client have the same caches", async (t) => {
    const docker = await startDocker("sid");
    t.after(() => docker[Symbol.asyncDispose]());
    for (const version of ["1", "2"] as const) {
      const { cache, of } = await job(version);
      t.after(() => cache[Symbol.asyncDispose]());
      const known = of(cache.token({ [main]: "write" }));
      const env = { ...known, DOCKER_HOST: docker.host };
      const builds = async (...args: string[]) => {
        const whole = ["build", "--builder=default", "--network=host", "--progress=plain", ...args, context];
        const done = await house.polyarch(whole, { env });
        assert.equal(done.code, 0, done.stderr);
        return done.stderr;
      };
      const forget = () => must("docker", ["builder", "prune", "--all", "--force"], { env: docker.env });
      await forget();
      await builds("--cache-to=type=gha,mode=max");
      await forget();
      assert.ok(cached(await builds("--cache-from=type=gha")).includes(last));
      checkBlobs(cache.objects(), "buildkit-blob-1-");
      assert.doesNotMatch(await build(await anew(), ["--cache-from=type=gha"], known), /ERROR/);
    }
  });
});
