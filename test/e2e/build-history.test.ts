import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { must } from "../lab/mod.ts";
import { differs, endlessSleep, openHouse } from "./harness.ts";

/** What the engine remembers of builds, as docker buildx asks for it. */
const house = await openHouse();
const buildx = async (...args: string[]) => {
  const done = await house.buildx(args);
  assert.equal(done.code, 0, done.stderr);
  return done;
};
const env = await house.sharedEnv();
const history = async (...args: string[]) => (await buildx("history", ...args)).stdout;

interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly {
    readonly spanID: string;
    readonly operationName: string;
    readonly startTime: number;
    readonly duration: number;
    readonly references: readonly { readonly spanID: string }[];
  }[];
}

interface ListedBuild {
  readonly ref: string;
  readonly name: string;
  readonly status: string;
  readonly total_steps: number;
  readonly completed_steps: number;
  readonly cached_steps: number;
}
/** What somebody else's engine remembers of before; of builds that were not asked for here docker buildx forgets the name. */
const earlier = new Set<string>();
const listed = async (...args: string[]): Promise<readonly ListedBuild[]> =>
  (await history("ls", "--format=json", ...args))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ListedBuild)
    .filter(({ ref }) => !earlier.has(ref));

// Starts the engine.
before(async () => {
  await house.build(await house.context({ Dockerfile: "FROM scratch\n" }));
  for (const { ref } of (await listed()).slice(1)) earlier.add(ref);
});

test("a build, its log and its image can be looked at afterwards", {
  skip: differs("docker buildx finds no index among Docker's own media types"),
}, async () => {
  const context = await house.context({
    Dockerfile: `FROM ${house.base}\nRUN echo said in the build > /said; cat /said\n`,
  });
  const image = `${house.registry.host}/recorded:1`;
  const args = ["build", "--progress=plain", "--platform=linux/amd64,linux/arm64", "-t", image, "--push", context];
  await buildx(...args);

  const [latest] = await listed();
  assert.ok(latest);
  assert.equal(latest.status, "Completed");
  assert.ok(latest.total_steps > 4);
  assert.equal(latest.completed_steps, latest.total_steps);
  assert.match(await history("inspect"), /Platforms:\s+linux\/amd64, linux\/arm64\n/);
  const { stderr } = await buildx("history", "logs");
  assert.match(stderr, /^#\d+ \[linux\/arm64 2\/2\] RUN echo said in the build/m);
  assert.match(stderr, /^#\d+ \d+\.\d+ said in the build$/m);

  const index = await history("inspect", "attachment", "--type", "index");
  assert.equal(index, await must("skopeo", ["inspect", "--tls-verify=false", "--raw", `docker://${image}`]));
  const manifest = JSON.parse(
    await history("inspect", "attachment", "--type", "manifest", "--platform", "linux/arm64"),
  );
  assert.ok(JSON.parse(index).manifests.some(({ size }: { size: number }) => size > 0));
  assert.equal(manifest.layers.length, 2);

  await buildx(...args);
  const [again] = await listed();
  assert.ok((again?.cached_steps ?? 0) >= 2, "both RUNs were cached");
});

test("a failed build keeps its error with the place in the Dockerfile", async () => {
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo before the end; exit 3\n` });
  const failed = await house.buildx(["build", context]);
  assert.equal(failed.code, 1);
  const told = await history("inspect");
  assert.match(
    told,
    /^Error:\s+Unknown process "\/bin\/sh -c echo before the end; exit 3" did not complete successfully: exit code: 3$/m,
  );
  assert.match(told, /2 \| >>> RUN echo before the end; exit 3/);
  assert.deepEqual(
    (await listed("--filter", "status=error")).map(({ status }) => status),
    ["Error"],
  );
  assert.ok((await listed("--filter", "status=completed")).every(({ status }) => status === "Completed"));
  assert.deepEqual(await listed("--filter", "duration>1h"), []);
});

test("a build that was interrupted is canceled, one under way is running", async () => {
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN ${endlessSleep()}\n` });
  const interrupted = new AbortController();
  const building = house.buildx(["build", context], { signal: interrupted.signal });
  building.catch(() => undefined);
  let running: readonly ListedBuild[] = [];
  while (running.length === 0) running = (await listed()).filter(({ status }) => status === "Running");
  interrupted.abort();
  await building.catch(() => undefined);
  while ((await listed()).some(({ status }) => status === "Running"));
  assert.deepEqual(
    (await listed("--filter", "status=canceled")).map(({ ref }) => ref),
    running.map(({ ref }) => ref),
  );
});

test("polyarch history tells the same of the same builds as docker buildx history", async () => {
  const ours = async (...args: string[]) => {
    const { code, stdout, stderr } = await house.polyarch(["history", ...args], { env });
    assert.equal(code, 0, stderr);
    return { stdout, stderr };
  };
  // Between the two a second may pass, which changes a column and its width.
  const table = (text: string) =>
    text
      .replaceAll(/(?:\d+|About an?|Less than a) \w+ ago/g, "then")
      .replaceAll(/ +/g, " ")
      .replaceAll(/ $/gm, "");
  assert.equal(table((await ours("ls")).stdout), table(await history("ls")));
  for (const filters of [[], ["--filter", "status=error"], ["--filter", "status!=error", "--filter", "duration<1h"]]) {
    assert.equal(
      (await ours("ls", "--format=json", ...filters)).stdout,
      await history("ls", "--format=json", ...filters),
    );
  }
  const plain = await house.context({ "My.Dockerfile": "FROM scratch AS last\nCOPY My.Dockerfile /\n" });
  const asked = "--target=last --no-cache --add-host=a:1.2.3.4 --network=none --shm-size=2m --ulimit=nofile=10";
  const args = "--build-arg=SOURCE_DATE_EPOCH=1 --build-arg=EMPTY= --label=x= --label=y=z --build-context=n=.".split(
    " ",
  );
  await buildx("build", "-f", join(plain, "My.Dockerfile"), ...asked.split(" "), ...args, plain);
  for (const { ref } of await listed()) {
    const id = ref.split("/").at(-1) ?? "";
    const { Error: error, ...rest } = JSON.parse((await ours("inspect", "--format=json", id)).stdout);
    const { Error: theirs, ...expected } = JSON.parse(await history("inspect", "--format=json", id));
    assert.deepEqual(rest, expected);
    if (theirs) delete theirs.Stack; // of their own program
    assert.deepEqual(error, theirs);
    const pretty = (text: string) => text.replaceAll(/^(?:Print build|View build|Enable --debug) .*\n/gm, "");
    assert.equal(pretty((await ours("inspect", id)).stdout), pretty(await history("inspect", id)));
    const template = [
      "Name Ref Context Dockerfile VCSRepository VCSRevision Target Platform KeepGitDir NamedContexts StartedAt CompletedAt",
      "Duration Status NumTotalSteps BuildArgs Labels Materials Attachments Errors Config.Network Config.NoCache Config.ExtraHosts",
    ];
    const format = `--format=${template.join(" ").replaceAll(/[\w.]+/g, "{{.$&}}|")}`;
    assert.equal((await ours("inspect", format, id)).stdout, await history("inspect", format, id));
    const logs = await buildx("history", "logs", id);
    // of steps that begin at the same moment either may come first, and what is under way may be shown more or less often
    const lines = (text: string) => {
      const shown = text
        .replaceAll(/^#\d+ /gm, "")
        .split("\n")
        .filter((line) => /^\[|^\d+\.\d+ |^(?:DONE|CACHED|ERROR)|done$/.test(line));
      const layers = new Set(shown.filter((line) => line.startsWith("sha256:")).map((line) => line.split(" ")[0]));
      const others = shown.filter((line) => !line.startsWith("sha256:"));
      return [layers, [...new Set(others)].toSorted()];
    };
    assert.deepEqual(lines((await ours("logs", id)).stderr), lines(logs.stderr));
  }
  const built = (await listed("--filter", "status=completed")).find(({ total_steps }) => total_steps > 6);
  const id = built?.ref.split("/").at(-1) ?? "";
  const { Attachments: attachments } = JSON.parse(await history("inspect", "--format=json", id));
  const attachment = ["inspect", "attachment", id, attachments[0].Digest];
  assert.equal((await ours(...attachment)).stdout, await history(...attachment));
});

interface BundledDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What is in a `.dockerbuild` bundle: the file names, each document by digest, and what the index leads to. */
async function unpacked(bundle: string) {
  const directory = await house.directory();
  await must("tar", ["-xzf", bundle, "-C", directory]);
  const read = async (path: string) => await readFile(join(directory, path), "utf8");
  const blob = async ({ digest }: { readonly digest: string }) => await read(`blobs/${digest.replace(":", "/")}`);
  const { manifests } = JSON.parse(await read("index.json")) as { manifests: readonly [BundledDescriptor] };
  const files = (await must("tar", ["-tzf", bundle])).split("\n").filter((name) => !name.startsWith("blobs/sha256/"));
  return { files, top: manifests[0], blob };
}

test("polyarch writes the same bundles of builds as docker buildx, with a trace of each", {
  skip: differs("other spans"),
}, async () => {
  const directory = await house.directory();
  const exports = async (name: string, ...args: string[]) => {
    const [theirs, ours] = [join(directory, `${name}-theirs`), join(directory, `${name}-ours`)];
    await history("export", ...args, "-o", theirs);
    const { code, stderr } = await house.polyarch(["history", "export", ...args, "-o", ours], {
      env,
    });
    assert.equal(code, 0, stderr);
    return [await unpacked(theirs), await unpacked(ours)] as const;
  };
  const built = (await listed("--filter", "status=completed")).find(({ total_steps }) => total_steps > 6);
  const id = built?.ref.split("/").at(-1) ?? "";
  const [theirs, ours] = await exports("one", "--finalize", id);
  assert.deepEqual(ours.files, theirs.files);
  const manifests = await Promise.all(
    [theirs, ours].map(async ({ blob, top }) => {
      const { config, layers } = JSON.parse(await blob(top)) as {
        config: BundledDescriptor;
        layers: readonly [BundledDescriptor, ...BundledDescriptor[]];
      };
      const [{ digest: trace, mediaType }, ...rest] = layers;
      assert.equal(mediaType, "application/vnd.buildkit.otlp.json.v0");
      const { trace: _trace, ...record } = JSON.parse(await blob(config)); // laid out otherwise, it is another blob
      const spans = (await blob({ digest: trace })).split(/(?<=^\})\n/m).filter((span) => span !== "");
      // docker buildx takes a record's platforms in any order
      rest.sort((a, b) => (a.digest < b.digest ? -1 : 1));
      return { rest, record, names: spans.map((span) => (JSON.parse(span) as { Name: string }).Name) };
    }),
  );
  assert.deepEqual(manifests[1], manifests[0]);
  const names = manifests[0]?.names ?? [];
  for (const name of [
    "moby.buildkit.v1.Control/Solve", // ours
    "[internal] load build definition from Dockerfile",
    "moby.buildkit.v1.frontend.LLBBridge/Return",
    "exporting to image",
    "build", // that of docker buildx
  ]) {
    assert.ok(names.includes(name), `${name} of ${names.join(", ")}`);
  }

  const all = await exports("all", "--all");
  const indexes = await Promise.all(all.map(async ({ blob, top }) => JSON.parse(await blob(top))));
  const refs = indexes.map(({ manifests }: { manifests: readonly BundledDescriptor[] }) =>
    manifests.map(({ annotations }) => annotations?.["vnd.buildkit.history.reference"]),
  );
  assert.ok((refs[0]?.length ?? 0) >= 4);
  assert.deepEqual(refs[1], refs[0]);
});

test("polyarch history trace shows what took how long, as JSON and as a page", {
  skip: differs("other spans"),
}, async () => {
  const { stdout } = await house.polyarch(["history", "trace"], { env });
  const { data } = JSON.parse(stdout) as { data: [JaegerTrace] };
  const [{ traceID, spans }] = data;
  const whole = spans.find(({ operationName }) => operationName === "moby.buildkit.v1.Control/Solve");
  const step = spans.find(({ operationName }) => operationName.startsWith("[internal] load build definition"));
  assert.equal(step?.references.at(-1)?.spanID, whole?.spanID);
  assert.ok(whole && step && step.startTime >= whole.startTime && step.duration <= whole.duration);

  const [program = "", ...args] = house.commandLine(["history", "trace", "--compare", "^1"]);
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  for await (const chunk of child.stderr) {
    said += String(chunk);
    if (said.includes("\n")) break;
  }
  const [, url = ""] =
    /^Trace available at (http:\/\/127\.0\.0\.1:\d+\/trace\/[\da-f]+\.\.\.[\da-f]+)\n/.exec(said) ?? [];
  assert.ok(url.endsWith(`...${traceID}`), said);
  assert.match(await (await fetch(url)).text(), /moby\.buildkit\.v1\.Control\/Solve/);
  const ended = once(child, "exit");
  child.kill("SIGINT");
  assert.equal((await ended)[1], null);
});

test("Docker Desktop is called, and missed, as docker buildx does it", async () => {
  const directory = await house.directory();
  const bundle = join(directory, "empty");
  await writeFile(bundle, "");
  await writeFile(join(directory, "xdg-open"), `#!/bin/sh\necho "$@" >> ${directory}/opened\n`, { mode: 0o755 });
  const options = { env: { ...env, HOME: directory, PATH: `${directory}:${process.env["PATH"]}` } };
  const both = async (...args: string[]) => {
    const theirs = await house.buildx(["history", ...args], options);
    const ours = await house.polyarch(["history", ...args], options);
    assert.deepEqual([ours.code, ours.stderr], [theirs.code, theirs.stderr]);
    return ours.stderr;
  };
  assert.match(await both("import", "-f", bundle), /failed to send request, check if Docker Desktop is running/);
  await both("open", "^1");
  const [theirs, ours] = (await readFile(join(directory, "opened"), "utf8")).split("\n");
  assert.match(theirs ?? "", /^docker-desktop:\/\/dashboard\/build\/\w+\/\w+\/\w+$/);
  assert.equal(ours, theirs);
});

test("names what cannot be found, or cannot be meant", async () => {
  const fails = async (want: RegExp, ...args: string[]) => {
    const { code, stderr } = await house.polyarch(["history", ...args]);
    assert.equal(code, 1);
    assert.match(stderr, want);
  };
  await fails(/^ERROR: no record found for ref "nobody"$/m, "inspect", "nobody");
  await fails(/^ERROR: no completed build found with offset 99999$/m, "logs", "^99999");
  await fails(/^ERROR: invalid offset "\^x"/m, "logs", "^x");
  await fails(/^ERROR: rm requires either --all or at least one argument$/m, "rm");
  await fails(/^ERROR: no record found for ref "gone"$/m, "rm", "gone");
  await fails(/^ERROR: at least one of --type, --platform or DIGEST must be specified$/m, "inspect", "attachment");
  await fails(/^ERROR: unsupported filter "colour"/m, "ls", "--filter", "colour=red");
  await fails(/^ERROR: invalid separator for duration, expected <=, <, >= or >$/m, "ls", "--filter", "duration=1s");
});

test("records outlive the engine, and go with all that they kept", {
  skip: differs("our own engine is ended"),
}, async () => {
  const before = await listed();
  assert.ok(before.length >= 4);
  await house.kill();
  await house.build(await house.context({ Dockerfile: "FROM scratch\n" }));
  assert.deepEqual((await listed()).slice(1), before);
  await history("rm", "--all");
  assert.deepEqual(await listed(), []);
  assert.deepEqual(readdirSync(join(house.root, "history/blobs/sha256")), []);
});
