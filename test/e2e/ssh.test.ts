import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { copyProgram, must, startDocker, startSshAgent, startSshd, unpackBuildx } from "../lab/mod.ts";
import { openHouse, differs } from "./harness.ts";
import { stepNamed } from "./progress-text.ts";

const house = await openHouse();
const [mine, other] = [await startSshAgent(), await startSshAgent()];
after(async () => {
  await mine[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

/** A context whose base has OpenSSH's ssh-add. */
async function contextWith(run: string): Promise<string> {
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nCOPY root /\nRUN ${run}\n` });
  await copyProgram("/usr/bin/ssh-add", join(context, "root"));
  return context;
}

/** What one RUN prints; keys without their comments. */
async function said(run: string, args: readonly string[]): Promise<readonly string[]> {
  const options = { env: { SSH_AUTH_SOCK: mine.socket } };
  const { stderr } = await house.build(await contextWith(run), ["--no-cache", ...args], options);
  return stepNamed(stderr, "3/3] RUN ").log.map((line) => line.replace(/^(ssh-\S+ \S+).*/, "$1"));
}

suite("RUN --mount=type=ssh", () => {
  test("finds the user's agent, which cannot be changed", async () => {
    const script = 'ssh-add -L; ssh-add -D 2>/dev/null || echo kept; stat -c "%a %u %g" $SSH_AUTH_SOCK';
    assert.deepEqual(await said(`--mount=type=ssh ${script}`, ["--ssh", "default"]), [
      mine.publicKey,
      "kept",
      "600 0 0",
    ]);
    assert.match(await must("ssh-add", ["-L"], { env: { SSH_AUTH_SOCK: mine.socket } }), /^ssh-ed25519/);
  });

  test("finds several agents by their names, sockets and keys alike", async () => {
    const mounts = "--mount=type=ssh,id=a,target=/a --mount=type=ssh,id=b,target=/b,uid=1,mode=0660";
    const script = 'SSH_AUTH_SOCK=/a ssh-add -L; SSH_AUTH_SOCK=/b ssh-add -L; stat -c "%a %u" /b';
    assert.deepEqual(await said(`${mounts} ${script}`, ["--ssh", `a=${mine.socket}`, "--ssh", `b=${other.key}`]), [
      mine.publicKey,
      other.publicKey,
      "660 1",
    ]);
  });

  test("may be missing, unless it is required", async () => {
    assert.deepEqual(
      await said("--mount=type=ssh echo ${SSH_AUTH_SOCK:+set}; test -e $SSH_AUTH_SOCK || echo none", []),
      ["set", "none"],
    );
    const context = await contextWith("--mount=type=ssh,required=true true");
    assert.match((await house.fails(context)).stderr, /no SSH key "(?:default)?" forwarded from the client/);
    assert.match((await house.fails(context, ["--ssh", `a=${mine.key}`])).stderr, /unset ssh forward key default/);
  });

  test("is refused before anything is built where there is no such agent", async () => {
    const context = await contextWith("true");
    const locked = join(await house.directory(), "locked");
    await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "word word", "-f", locked]);
    await writeFile(join(context, "text"), "not a key");
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["default"], /invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set/],
      [["a=nowhere"], /failed to open .*nowhere/],
      [[`a=${locked}`], /failed to parse .*locked: this private key is passphrase protected/],
      [[`a=${context}/text`], /failed to parse .*text: no key found/],
      [[`a=${mine.key},${mine.socket}`], /invalid combination of keys and sockets/],
      [[`a=${mine.key}`, `a=${mine.key}`], /invalid duplicate ID a/],
    ];
    for (const [values, complaint] of cases) {
      const args = values.flatMap((value) => ["--ssh", value]);
      assert.match((await house.fails(context, args, { env: { SSH_AUTH_SOCK: "" } })).stderr, complaint);
    }
  });
});

test("a private repository is fetched with the client's agent", async (t) => {
  const sshd = await startSshd({ PATH: process.env["PATH"] ?? "" });
  t.after(() => sshd[Symbol.asyncDispose]());
  const directory = await house.directory();
  const git = (...args: string[]) =>
    must("git", ["-c", "user.name=Lab", "-c", "user.email=lab@example.org", ...args], { cwd: directory });
  await git("init", "--quiet", "--initial-branch=main");
  await writeFile(join(directory, "word"), "private\n");
  await writeFile(join(directory, "Dockerfile"), "FROM scratch\nCOPY word /\n");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "first");
  const url = `${sshd.url}${directory}`;
  const login = join(sshd.bin, "../login");
  const context = await house.context({ Dockerfile: `FROM scratch\nADD ${url}#main /\n` });
  for (const source of [url, context]) {
    const out = await house.exported(source, ["--ssh", `default=${login}`]);
    assert.equal(await readFile(join(out, "word"), "utf8"), "private\n");
  }
  const { stderr } = await house.fails(context, ["--no-cache", "--ssh", `default=${mine.key}`]);
  assert.match(stderr, /failed.*Permission denied/s);
});

suite("ssh agents between two implementations", () => {
  const list = "--mount=type=ssh ssh-add -L > /keys";

  test("docker buildx forwards to our engine", { skip: differs("about our own engine") }, async () => {
    const context = await contextWith(list);
    await house.build(context, ["--ssh", `default=${mine.key}`]); // starts the engine
    const buildx = await unpackBuildx();
    const env = { ...house.env, BUILDX_CONFIG: await house.directory(), SSH_AUTH_SOCK: mine.socket };
    await must(buildx, ["create", "--name", "ours", "--driver", "remote", `unix://${house.socket}`, "--use"], { env });
    for (const [agent, { publicKey }] of [
      ["default", mine],
      [`default=${other.key}`, other],
    ] as const) {
      const dest = await house.directory();
      await must(buildx, ["build", "--no-cache", "--ssh", agent, "-o", `type=local,dest=${dest}`, context], { env });
      assert.ok((await readFile(join(dest, "keys"), "utf8")).startsWith(publicKey));
    }
  });

  test("our client forwards to the Docker Engine", async (t) => {
    const docker = await startDocker("sid");
    t.after(() => docker[Symbol.asyncDispose]());
    const context = await contextWith(list);
    for (const [agent, { publicKey }] of [
      ["default", mine],
      [`default=${other.key}`, other],
    ] as const) {
      const dest = await house.directory();
      const args = [
        "--builder=default",
        "--no-cache",
        "--network=host",
        "--ssh",
        agent,
        "-o",
        `type=local,dest=${dest}`,
      ];
      const done = await house.polyarch(["build", ...args, context], {
        env: { ...docker.env, SSH_AUTH_SOCK: mine.socket },
      });
      assert.equal(done.code, 0, done.stderr);
      assert.ok((await readFile(join(dest, "keys"), "utf8")).startsWith(publicKey));
    }
  });
});
