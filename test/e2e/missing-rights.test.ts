import assert from "node:assert/strict";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import { copyPublicPrograms, run, startEngine } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";
import { assertClear } from "./refusals.ts";

const house = await openHouse();
const { base } = house;
const context = await house.context({ Dockerfile: `FROM ${base}\nRUN true\n` });
const scratch = await house.directory();
const programs = house.own(await copyPublicPrograms());

const remote = (...args: string[]) => ["create", "--name", "never", "--driver", "remote", ...args];

describe("without the right to", () => {
  before(async () => {
    for (const directory of [dirname(house.root), dirname(scratch), scratch, context]) await chmod(directory, 0o755);
  });
  const nobody = ["--bounding-set=-all", "--inh-caps=-all", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const unprivileged = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    await run("setpriv", [...nobody, programs.polyarch, ...args], {
      env: { ...house.env, HOME: "/nonexistent", BUILDX_CONFIG: join(scratch, "buildx"), ...env },
      cwd: scratch,
    });

  test("start an engine, or speak to one", async () => {
    const started = await unprivileged(["build", context], { POLYARCH_SOCKET: "/none/engine.sock" });
    assertClear(
      started,
      /no engine answers at \/none\/engine\.sock, and starting one needs root for now: run polyarch with sudo$/m,
    );
    assert.equal((await house.polyarch(["inspect", "--bootstrap"])).code, 0);
    const spoken = await unprivileged(["build", context]);
    assertClear(spoken, /the engine's socket .* is not for this user: run polyarch with sudo$/m);
  });

  test("write where builders, logins and certificates are kept", async () => {
    assertClear(
      await unprivileged(remote("tcp://127.0.0.1:1")),
      /^ERROR: cannot make .*: permission denied.*BUILDX_CONFIG/m,
    );
    assertClear(await unprivileged(["use", "embedded"]), /^ERROR: cannot make .*: permission denied/m);
    assertClear(await unprivileged(["daemon", "certs", "certs"]), /^ERROR: mkdir .*\/certs: permission denied$/m);
    assertClear(await unprivileged(["build", "-o", "out", context]), /: cannot write out: .*: permission denied$/m);
    for (const args of [
      ["build", "-o", "type=tar,dest=out.tar", context],
      ["build", "--metadata-file", "meta.json", context],
      ["build", "--iidfile", "id", context],
    ])
      assertClear(await unprivileged(args), /: cannot write (out\.tar|meta\.json|id): .*permission denied$/m);
  });

  test("read what was written for others", async () => {
    const secret = await house.directory(); // mode 0700
    await writeFile(join(secret, "config.json"), "{}");
    const hidden = { mode: 0o600 };
    const store = join(await house.directory(), "buildx");
    await mkdir(join(store, "instances"), { recursive: true });
    await chmod(dirname(store), 0o755);
    await writeFile(join(store, "instances/theirs"), "{}", hidden);
    const hiddenFile = join(scratch, "Dockerfile.hidden");
    await writeFile(hiddenFile, "FROM scratch\n", hidden);
    assertClear(
      await unprivileged(["ls"], { DOCKER_CONFIG: secret }),
      /Cannot read Docker config file .*permission denied/,
    );
    for (const args of [["ls"], ["inspect", "theirs"], ["build", "--builder", "theirs", context]])
      assertClear(await unprivileged(args, { BUILDX_CONFIG: store }), /cannot read .*\/theirs: .*permission denied/);

    const engine = house.own(await startEngine(["--addr=tcp://127.0.0.1:0"]));
    const mine = { BUILDX_CONFIG: join(await house.directory(), "buildx"), BUILDX_BUILDER: "open" };
    await chown(dirname(mine.BUILDX_CONFIG), 65534, 65534);
    const made = await unprivileged(["create", "--name=open", "--driver=remote", engine.addresses[0] ?? ""], mine);
    assert.equal(made.code, 0, made.stderr);
    assert.equal((await unprivileged(["build", context], mine)).code, 0, "an engine on TCP is for everybody");
    const reading = await house.context({
      Dockerfile: `FROM ${base}\nCOPY hidden /\n`,
      "Dockerfile.secret": `FROM ${base}\nRUN --mount=type=secret,id=x true\n`,
      hidden: { text: "not for all\n", mode: 0o600 },
    });
    await chmod(reading, 0o755);
    for (const args of [
      ["-f", "Dockerfile.hidden", context],
      [secret],
      [reading],
      ["-f", join(reading, "Dockerfile.secret"), "--secret", `id=x,src=${hiddenFile}`, context],
    ])
      assertClear(await unprivileged(["build", ...args], mine), /: (open|lstat|stat) \S+: permission denied/);
  });
});

test("without a home, everything that needs none works, and the rest says what to set", async () => {
  const env = { HOME: undefined, DOCKER_CONFIG: undefined, BUILDX_CONFIG: undefined };
  for (const args of [["version"], ["ls"], ["build", context]]) {
    const { code, stderr } = await house.polyarch(args, { cwd: scratch, env });
    assert.equal(code, 0, stderr);
  }
});

test("a read-only disk is named by whoever wants to write to it", async () => {
  const disk = await house.directory();
  const readOnly = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    await run(
      "unshare",
      [
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs -o ro tmpfs "$0" && cd "$0" && exec "$@"',
        disk,
        ...house.commandLine(args),
      ],
      { env: { ...house.env, ...env } },
    );
  for (const [args, env] of [
    [remote("tcp://127.0.0.1:1"), { BUILDX_CONFIG: disk }],
    [["use", "embedded"], { BUILDX_CONFIG: disk }],
    [["daemon", "certs", "certs"], {}],
    [["build", "-o", "out", context], {}],
    [["build", "-o", "type=oci,dest=out.tar", context], {}],
    [["build", "--metadata-file", "meta.json", context], {}],
  ] as const)
    assertClear(await readOnly(args, env), /read-only file system/);
});

test("a full disk is named by whoever writes to it, and nothing half-written stays there", async () => {
  const disk = await house.directory();
  // Mounted where only the client sees it: the engine has started already, and is on another disk.
  assert.equal((await house.polyarch(["inspect", "--bootstrap"])).code, 0);
  const onFullDisk = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const script = [
      'mount -t tmpfs -o size=256k tmpfs "$0" && cd "$0" && { cat /dev/zero > fill; } 2>/dev/null',
      '"$@"; code=$?; find . -type f -size +0 ! -name fill >&2; exit $code',
    ].join("\n");
    return await run("unshare", ["--mount", "sh", "-c", script, disk, ...house.commandLine(args)], {
      env: { ...house.env, ...env },
    });
  };
  const full = /no space left on device$/m;
  for (const [args, env] of [
    [remote("tcp://127.0.0.1:1"), { BUILDX_CONFIG: disk }],
    [["daemon", "certs", "certs"], {}],
  ] as const) {
    const done = await onFullDisk(args, env);
    assertClear(done, full, done.code);
    assert.notEqual(done.code, 0);
    assert.doesNotMatch(done.stderr, /^\.\//m, "nothing is left");
  }
  for (const output of ["type=local,dest=out", "type=tar,dest=out.tar", "type=oci,dest=out.tar"]) {
    const done = await onFullDisk(["build", "--progress=plain", "-o", output, context]);
    assertClear(done, new RegExp(`${disk}/out.*no space left on device$`, "m"), done.code);
    assert.notEqual(done.code, 0);
    assert.doesNotMatch(done.stderr, /^\.\/.*(partial|tmp|busybox)/m, "nothing half-written is left");
  }
});
