import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { before, test } from "node:test";
import { polyarchProgram, run, unpackDocker } from "../lab/mod.ts";
import { endlessSleep, gone, openHouse } from "./harness.ts";

const house = await openHouse();
let env: Record<string, string> = {};
const docker = (args: readonly string[]) => run("docker", args, { env, timeoutMs: 180_000 });

before(async () => {
  const plugins = join(house.env["DOCKER_CONFIG"] ?? "", "cli-plugins");
  await mkdir(plugins);
  for (const name of ["docker-polyarch", "docker-buildx"]) await symlink(polyarchProgram, join(plugins, name));
  const path = [...(await unpackDocker("sid")).path, process.env["PATH"]].join(delimiter);
  env = {
    ...house.env,
    PATH: path,
    DOCKER_HOST: "unix:///nonexistent/docker.sock",
    BUILDX_BUILDER: "embedded",
  };
});

test("docker lists both plugins, under a version that Docker Compose takes", async () => {
  const { stdout } = await docker(["info", "--format", "{{json .ClientInfo.Plugins}}"]);
  const plugins = JSON.parse(stdout) as { Name: string; Version: string; Err?: string; Vendor: string }[];
  const found = plugins.map(({ Name, Version, Err = "", Vendor }) => [Name, Vendor, Err, Version.replace(/\+.*/, "")]);
  assert.deepEqual(found, [
    ["buildx", "Polyarch", "", "v0.29.1"],
    ["polyarch", "Polyarch", "", `v${(await house.polyarch(["version"])).stdout.trim().split(" ")[1]}`],
  ]);
});

test("help, errors and exit codes are as if it were docker's own command", async () => {
  const help = await docker(["polyarch", "imagetools", "create", "--help"]);
  assert.match(help.stdout, /^Usage:\n {2}docker polyarch imagetools create \[OPTIONS\] \[SOURCE...\]$/m);
  assert.match((await docker(["help", "polyarch"])).stdout, /^ {2}docker polyarch \[command\]$/m);
  const wrong = await docker(["buildx", "build", "--nope"]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /^ERROR: unknown flag: --nope\n\nSee 'docker buildx build --help'\.$/m);
});

test("docker's own flags are understood, wherever they stand", async () => {
  const { DOCKER_CONFIG: config = "", ...others } = env;
  const { code, stdout, stderr } = await run(
    "docker",
    ["--config", config, "--log-level", "error", "polyarch", "imagetools", "inspect", house.base],
    { env: others },
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Name: +\S+busybox:latest$/m);
});

for (const command of [
  ["polyarch", "build"],
  ["buildx", "build"],
]) {
  test(`docker ${command.join(" ")} builds, without a Docker Engine`, async () => {
    const context = await house.context({ Dockerfile: "FROM scratch\nCOPY a /\n", a: "hello" });
    const dest = await house.directory();
    const { code, stderr } = await docker([...command, "--progress=plain", "-o", `type=local,dest=${dest}`, context]);
    assert.equal(code, 0, stderr);
    assert.equal(await readFile(join(dest, "a"), "utf8"), "hello");
  });
}

test("a build ends when docker is told to end, though nobody told the plugin", async () => {
  const sleeping = endlessSleep();
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo begun && ${sleeping}\n` });
  const child = spawn("docker", ["polyarch", "build", "--progress=plain", context], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let said = "";
  const begun = Promise.withResolvers<void>();
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    if (/ begun$/m.test(said)) begun.resolve();
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  await Promise.race([begun.promise, ended.then(() => assert.fail(said))]);
  child.kill("SIGTERM"); // docker alone, not its process group
  assert.notEqual(await ended, 0);
  await gone(sleeping);
});
