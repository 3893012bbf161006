import assert from "node:assert/strict";
import { chmod, copyFile, readdir, readFile } from "node:fs/promises";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { copyPublicPrograms, must, run } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

// The kernel's table is the whole machine's: what is registered here has a name that nobody else uses, and an architecture that hardly anybody does.
const table = "/proc/sys/fs/binfmt_misc";
const name = `polyarchtest-${process.pid}-qemu-mips64`;
const mounted = existsSync(join(table, "status"));

const house = await openHouse();
const emulators = await house.directory();
const env = { QEMU_BINARY_PATH: emulators, QEMU_BINARY_PREFIX: name.replace("qemu-mips64", "") };
const binfmt = (args: readonly string[], more: Record<string, string> = {}) =>
  house.polyarch(["binfmt", ...args], { env: { ...env, ...more } });
const parsed = (text: string) => JSON.parse(text) as { supported: readonly string[]; emulators: readonly string[] };

after(async () => {
  if (existsSync(join(table, name))) writeFileSync(join(table, name), "-1");
  const registered = (await readdir(table)).filter((entry) => entry !== "register" && entry !== "status");
  if (!mounted && existsSync(join(table, "status")) && registered.length === 0) await must("umount", [table]);
});

test("it shows what this machine runs, and changes nothing by that", async () => {
  const { code, stdout, stderr } = await binfmt([]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(parsed(stdout).supported[0] ?? "", /^linux\/(amd64|arm64)$/);
  assert.equal(existsSync(join(table, "status")), mounted);
});

test("an emulator is registered for every root, works at once, and goes away again", async () => {
  const emulator = join(emulators, `${name}-static`);
  await copyFile("/usr/bin/qemu-mips64-static", emulator);
  await chmod(emulator, 0o755);

  const installed = await binfmt(["--install", "mips64"]);
  assert.deepEqual([installed.code, installed.stderr], [0, "installing: mips64 OK\n"]);
  const shown = parsed(installed.stdout);
  assert.ok(shown.emulators.includes(name));
  assert.ok(shown.supported.includes("linux/mips64"));
  const entry = await readFile(join(table, name), "utf8");
  assert.match(entry, new RegExp(`^enabled\ninterpreter ${emulator}\nflags: POCF\n`));

  const again = await binfmt(["--install", "linux/mips64"]);
  assert.deepEqual([again.code, again.stderr], [0, `installing: mips64 ${name} already registered\n`]);

  const removed = await binfmt(["--uninstall", name]);
  assert.deepEqual([removed.code, removed.stderr], [0, `uninstalling: ${name} OK\n`]);
  assert.equal(parsed(removed.stdout).emulators.includes(name), false);
  const nothing = await binfmt(["--uninstall", name]);
  assert.deepEqual([nothing.code, nothing.stderr], [0, `uninstalling: ${name} not found\n`]);
});

test("an architecture that nobody knows is refused before anything is registered or removed", async () => {
  const { code, stderr, stdout } = await binfmt(["--uninstall", name, "--install", "mips64,pdp11"]);
  assert.equal(code, 1);
  assert.match(stderr, /^ERROR: unsupported architecture: pdp11: there are amd64, arm64, /);
  assert.equal(stdout, "");
  assert.ok(!(await readdir(table)).includes(name));
});

test("a missing emulator is an error that says what to install", async () => {
  const { code, stderr } = await binfmt(["--install", "loong64"], { QEMU_BINARY_PATH: "" });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^installing: loong64 .* install \S+qemu-loongarch64-static \(Debian, Ubuntu: apt-get install qemu-user-static\)$/m,
  );
});

test("without the right to do so, the error says who may", async () => {
  await using programs = await copyPublicPrograms();
  const args = ["binfmt", "--install", "mips64"];
  const done = await run(
    "setpriv",
    [
      "--bounding-set=-all",
      "--inh-caps=-all",
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      programs.polyarch,
      ...args,
    ],
    {
      env: { ...house.env, HOME: "/nonexistent" },
    },
  );
  assert.equal(done.code, 1);
  assert.match(done.stderr, /permission denied: run this as root/);
});
