import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type Finished, run, startDocker, unpackDocker } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

/**
 * One store, two programs: what a real `docker buildx` makes of it, and what polyarch does. The engine behind remote builders is ours; docker
 * builders have a Docker Engine from Debian sid.
 */
const house = await openHouse();
const docker = house.own(await startDocker("sid"));
const buildxProgram = join((await unpackDocker("sid")).plugins[0] ?? "", "docker-buildx");
const env = { ...house.env, DOCKER_HOST: docker.host };
const endpoint = `unix://${house.socket}`;
const store = house.env["BUILDX_CONFIG"] as string;

const buildx = (...args: string[]): Promise<Finished> => run(buildxProgram, args, { env, timeoutMs: 180_000 });
const polyarch = (...args: string[]): Promise<Finished> => house.polyarch(args, { env, timeoutMs: 180_000 });

async function ok(done: Promise<Finished>): Promise<string> {
  const { code, stdout, stderr } = await done;
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Lines of a listing without our own builder, and without the mark of the current one, for which its column keeps a place. */
function shared(listing: string): string[] {
  return listing.split("\n").filter((line) => !/^(?: \\_ )?embedded\b/.test(line));
}

suite("builders in one store", () => {
  test("our own engine builds where nothing was made", async () => {
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
    const { stderr } = await house.build(context);
    assert.match(stderr, /#0 building with "embedded" instance using embedded driver/);
    const listing = await ok(house.polyarch(["ls"]));
    assert.match(listing, /^NAME\/NODE +DRIVER\/ENDPOINT +STATUS +BUILDKIT +PLATFORMS *$/m);
    assert.match(listing, /^embedded\* +embedded *$/m);
    assert.match(listing, /^ \\_ embedded +\\_ unix:\S+ +running +v\S+ +linux\//m);
  });

  test("buildx uses what polyarch made, and the other way round", async () => {
    assert.equal(await ok(polyarch("create", "--name", "ours", "--driver", "remote", endpoint)), "ours\n");
    assert.equal(
      await ok(
        buildx("create", "--name", "theirs", "--driver", "remote", "--platform", "linux/arm64,linux/amd64", endpoint),
      ),
      "theirs\n",
    );
    const record = async (name: string) => await readFile(join(store, "instances", name), "utf8");
    await ok(
      polyarch("create", "--name", "twin", "--driver", "remote", "--platform", "linux/arm64,linux/amd64", endpoint),
    );
    assert.equal((await record("theirs")).replaceAll("theirs", "twin"), await record("twin"));
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
    assert.match(
      (await house.build(context, ["--builder", "theirs"], { env })).stderr,
      /#0 building with "theirs" instance using remote driver/,
    );
    assert.match((await buildx("build", "--builder", "ours", "--progress=plain", context)).stderr, /naming|DONE/);
  });

  test("both list the same, whatever the format", async () => {
    for (const args of [
      [],
      ["--no-trunc"],
      ["--format", "json"],
      ["--format", "{{.Name}} {{.Status}} {{.Platforms}}"],
      ["--format", "table {{.Name}}\\t{{.Buildkit}}"],
    ]) {
      const [theirs, ours] = await Promise.all([ok(buildx("ls", ...args)), ok(polyarch("ls", ...args))]);
      const want = theirs.split("\n").filter((line) => line !== "");
      const plain = (line: string) =>
        line
          .replaceAll(/"Current":\w+/g, "")
          .replaceAll("*", " ")
          .replaceAll(/ +/g, " ")
          .trim();
      const got = shared(ours).filter((line) => !line.includes('"embedded"') && line !== "");
      assert.deepEqual(got.map(plain), want.map(plain), args.join(" "));
    }
  });

  test("both show the same of a builder", async () => {
    for (const name of ["ours", "theirs", "default"]) {
      assert.equal(await ok(polyarch("inspect", name)), await ok(buildx("inspect", name)), name);
    }
  });

  test("what one selects, the other uses", async () => {
    const currentOf = async (program: typeof buildx) => /^(\S+)\*/m.exec(await ok(program("ls")))?.[1];
    await ok(polyarch("use", "ours"));
    assert.deepEqual([await currentOf(buildx), await currentOf(polyarch)], ["ours", "ours"]);
    await ok(buildx("use", "theirs"));
    assert.deepEqual([await currentOf(buildx), await currentOf(polyarch)], ["theirs", "theirs"]);
    await ok(polyarch("use", "--default", "ours"));
    const defaults = await readdir(join(store, "defaults"));
    await ok(buildx("use", "--default", "ours"));
    assert.deepEqual(await readdir(join(store, "defaults")), defaults);
    assert.equal(
      await currentOf((...args) => house.polyarch(args)),
      "embedded",
      "another endpoint has a choice of its own",
    );
    await ok(polyarch("use", "--global", "ours"));
    assert.equal(await currentOf((...args) => house.polyarch(args)), "ours");
    await ok(polyarch("use", "embedded"));
    assert.deepEqual([await currentOf(buildx), await currentOf(polyarch)], ["default", "embedded"]);
    await ok(polyarch("use", "default"));
    assert.deepEqual([await currentOf(buildx), await currentOf(polyarch)], ["default", "default"]);
    await ok(polyarch("use", "embedded"));
  });

  test("the environment names a builder, and a wrong name is told", async () => {
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
    const named = await house.build(context, [], { env: { ...env, BUILDX_BUILDER: "ours" } });
    assert.match(named.stderr, /building with "ours"/);
    for (const command of ["inspect", "stop", "du", "build"]) {
      const args = [command, "--builder", "nobody", ...(command === "build" ? [context] : [])];
      const done = await polyarch(...args);
      assert.equal(done.code, 1);
      assert.match(done.stderr, /ERROR: no builder "nobody" found\n/, command);
    }
  });

  test("refusals are word for word the same, and leave the store as it was", async () => {
    const before = await ok(polyarch("ls", "--format", "json"));
    for (const args of [
      ["create", "--name", "default"],
      ["create", "--append"],
      ["create", "--name", "ours", endpoint],
      ["create", "--name", "ours", "--append", endpoint],
      ["create", "--name", "ours", "--driver", "docker-container", "--append", "unix:///x"],
      ["create", "--name", "ours", "--node", "x", "unix:///x"],
      ["create", "--name", "nobody", "--append", "unix:///x"],
      ["create", "--name", "9", "--driver", "remote", endpoint],
      ["create", "--name", "bad", "--driver", "remote", "--driver-opt", "x=y", endpoint],
      ["create", "--name", "bad", "--driver", "remote", "--driver-opt", "x", endpoint],
      ["create", "--name", "bad", "--driver", "remote", "--driver-opt", "cacert=ca.pem", endpoint],
      ["create", "--name", "bad", "--driver", "remote", "--buildkitd-flags", "--debug", endpoint],
      ["create", "--name", "bad", "--driver", "remote", "--platform", "a/b/c/d", endpoint],
      ["create", "--name", "bad", "--driver", "remote"],
      ["create", "--name", "bad", "--driver", "docker"],
      ["create", "--name", "bad", "--driver", "docker-container", "--driver-opt", "foo=bar"],
      ["create", "--name", "bad", "--driver", "docker-container", "unix:///nonexistent.sock"],
      ["create", "--leave"],
      ["create", "--leave", "--name", "ours"],
      ["create", "--leave", "--name", "ours", "--node", "x"],
      ["create", "--leave", "--name", "ours", "--node", "ours0"],
      ["create", "--leave", "--name", "nobody", "--node", "x"],
      ["rm", "nobody"],
      ["rm", "--all-inactive", "ours"],
      ["stop", "nobody"],
      ["du", "--format", "json", "--verbose"],
      ["prune", "--filter", "until=x"],
    ]) {
      const [theirs, ours] = [await buildx(...args), await polyarch(...args)];
      assert.deepEqual(
        [ours.code, ours.stdout, ours.stderr],
        [theirs.code, theirs.stdout, theirs.stderr],
        args.join(" "),
      );
    }
    assert.equal(await ok(polyarch("ls", "--format", "json")), before);
    assert.match(
      (await polyarch("rm", "default")).stderr,
      /context builder cannot be removed, run `docker context rm default`/,
    );
  });

  test("nodes come and go, and a platform belongs to whom it was given last", async () => {
    await ok(
      polyarch("create", "--name", "farm", "--driver", "remote", "--platform", "linux/amd64,linux/arm64", endpoint),
    );
    await ok(
      buildx(
        "create",
        "--name",
        "farm",
        "--append",
        "--node",
        "far",
        "--platform",
        "linux/arm64",
        "unix:///nonexistent/far.sock",
      ),
    );
    const listing = await ok(polyarch("ls"));
    assert.match(listing, /^ \\_ farm0 .* running .*linux\/amd64\*/m);
    assert.match(listing, /^ \\_ far +\\_ unix:\/\/\/nonexistent\/far.sock +inactive +linux\/arm64\* *$/m);
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
    await house.build(context, ["--builder", "farm", "--platform", "linux/amd64"]);
    await ok(polyarch("create", "--leave", "--name", "farm", "--node", "far"));
    assert.doesNotMatch(await ok(buildx("ls")), /far\.sock/);
    const removed = await polyarch("rm", "farm");
    assert.deepEqual([removed.code, removed.stderr], [0, "farm removed\n"]);
    assert.doesNotMatch(await ok(buildx("ls")), /farm/);
  });

  test("several are changed at the same time, and none is lost", async () => {
    const names = Array.from({ length: 6 }, (_, at) => `many${at}`);
    await Promise.all(
      names.map((name, at) =>
        ok((at % 2 ? buildx : polyarch)("create", "--name", name, "--driver", "remote", `${endpoint}?${at}`)),
      ),
    );
    const listed = await ok(polyarch("ls", "--format", "{{.Name}}"));
    for (const name of names) assert.match(listed, new RegExp(`^${name}$`, "m"));
    const done = await polyarch("rm", ...names);
    assert.equal(done.code, 0);
    assert.equal(
      (await readdir(join(store, "instances"))).some((name) => name.startsWith("many")),
      false,
    );
  });

  test("an engine that accepts and never answers is given up after the timeout, and named", async () => {
    const socket = join(await house.directory(), "mute.sock");
    const mute = createServer(() => undefined).listen(socket);
    await once(mute, "listening");
    try {
      await writeFile(
        join(store, "instances", "mute"),
        (await readFile(join(store, "instances", "ours"), "utf8"))
          .replaceAll("ours", "mute")
          .replace(endpoint, `unix://${socket}`),
      );
      const done = await polyarch("ls", "--timeout", "1s");
      assert.equal(done.code, 0);
      assert.ok(done.ms < 18_000, `${done.ms} ms`);
      assert.match(done.stderr, /Failed to get status for mute \(mute0\): .*context deadline exceeded/);
      assert.match(done.stdout, /^ \\_ ours0 .* running /m);
    } finally {
      mute.close();
      await ok(polyarch("rm", "--keep-daemon", "mute"));
    }
  });
});

suite("what a builder keeps", () => {
  test("is told by both in the same way, and removed when people agree", async () => {
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
    await house.build(context, ["--builder", "ours"], { env });
    const age = /(?:Less than|About|\d+) [\w ]+ ago/g;
    for (const args of [
      [],
      ["--verbose"],
      ["--format", "json"],
      ["--filter", "type=regular"],
      ["--format", "table {{.ID}}\\t{{.Type}}"],
    ]) {
      const all = ["du", "--builder", "ours", ...args];
      const [theirs, ours] = [await ok(buildx(...all)), await ok(polyarch(...all))];
      assert.equal(ours.replaceAll(age, "some time ago"), theirs.replaceAll(age, "some time ago"), args.join(" "));
    }
    const asked = await polyarch("prune", "--builder", "ours");
    assert.equal(
      asked.stdout,
      "WARNING! This will remove all dangling build cache. Are you sure you want to continue? [y/N] ",
    );
    const some = await ok(polyarch("prune", "--builder", "ours", "--force", "--filter", "type=regular"));
    assert.match(some, /^ID\tRECLAIMABLE\tSIZE\tLAST ACCESSED\n\S+ +\ttrue +\t\S+ +\t.* ago\n/);
    assert.match(some, /^Total:\t\S+B\n$/m);
    const answered = await house.polyarch(["prune", "--all", "--builder", "ours"], { env, stdin: "y\n" });
    assert.match(answered.stdout, /WARNING! This will remove all build cache\. .*\[y\/N\] /);
    assert.match(await ok(buildx("du", "--builder", "ours")), /Total:\s+0B/);
  });
});

suite("dial-stdio", () => {
  test("joins stdin and stdout to the engine", async () => {
    const [program = "", ...args] = house.commandLine(["dial-stdio", "--builder", "ours"]);
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "inherit"] });
    // HTTP/2: the client's preface and empty settings; the engine answers with its own settings frame (type 4)
    child.stdin.write(
      Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]),
    );
    const [answer] = (await once(child.stdout, "data")) as [Buffer];
    assert.equal(answer[3], 4);
    child.stdin.end();
    const [code] = (await once(child, "close")) as [number];
    assert.equal(code, 0);
  });
});
