import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { before, suite, test } from "node:test";
import { must, readIndex, run, unpackDocker } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();
const { base } = house;
const { host } = house.registry;
const amd64 = `${host}/app:1-amd64`;
const arm64 = `${host}/elsewhere/app:1-arm64`;
let path = "";

before(async () => {
  path = [...(await unpackDocker("sid")).path, process.env["PATH"]].join(delimiter);
  const children = await readIndex(base);
  const copy = (architecture: string, to: string, more: readonly string[]) => {
    const digest = children.find(({ platform }) => platform.architecture === architecture)?.digest;
    const tls = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    const from = `docker://${base.replace(/:latest$/, "")}@${digest}`;
    return must("skopeo", ["copy", "--quiet", ...tls, ...more, from, `docker://${to}`]);
  };
  await copy("amd64", amd64, []);
  await copy("arm64", arm64, ["--format", "v2s2"]);
});

/** Docker's own CLI, and ours, each with a directory of its own for what they keep. */
const theirs = (dir: string, args: readonly string[]) =>
  run("docker", ["manifest", ...args], { env: { PATH: path, DOCKER_CONFIG: dir } });
const ours = (dir: string, args: readonly string[]) =>
  house.polyarch(["manifest", ...args], { env: { DOCKER_CONFIG: dir } });

/** Every list and entry that is kept in `dir`. */
async function kept(dir: string): Promise<Readonly<Record<string, unknown>>> {
  const root = join(dir, "manifests");
  const files = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const entries = files.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(entries.map(async (file) => [file.slice(root.length), await readFile(file, "utf8")]));
  return Object.fromEntries(texts) as Record<string, unknown>;
}

suite("beside docker's own CLI, step by step", async () => {
  const [a, b] = [await house.directory(), await house.directory()];
  const list = `${host}/app:1`;
  const steps: readonly (readonly string[])[] = [
    ["create", "--insecure", list, amd64, `${host}/nope`],
    ["create", "--insecure", list, amd64, arm64],
    ["create", "--insecure", list, amd64],
    ["create", "--insecure", list, base],
    ["create", "--insecure", "--amend", list, base],
    ["create", "--insecure", "--amend", list, amd64],
    ["create", "X!", amd64],
    ["inspect", "--insecure", list],
    ["inspect", "--insecure", "--verbose", list],
    ["inspect", list, arm64],
    ["inspect", "-v", list, arm64],
    ["inspect", "-v", list, base],
    ["annotate", "--os", "linux", "--arch", "arm64", "--variant", "v8", list, arm64],
    ["annotate", "--os-version", "6.1", "--os-features", "a,b", "--os-features", "a", list, amd64],
    ["annotate", "--os", "linux", "--arch", "z80", list, arm64],
    ["annotate", "--os", "linux", "--arch", "arm", list, base],
    ["inspect", "--insecure", list],
    ["push", "--insecure", `${host}/other`],
    ["push", "--insecure", list],
    ["inspect", "--insecure", base],
    ["inspect", "--insecure", "-v", base],
    ["inspect", "--insecure", amd64],
    ["inspect", "--insecure", "-v", arm64],
    ["inspect", "--insecure", `${host}/nope`],
    ["push", "--insecure", "--purge", list],
    ["inspect", "--insecure", list],
    ["rm", list, `${host}/app:2`, "alpine"],
  ];
  for (const [at, args] of steps.entries()) {
    test(`${at + 1}: ${args.join(" ")}`, async () => {
      const want = await theirs(a, args);
      const got = await ours(b, args);
      const words = want.stderr === "" ? "" : `ERROR: ${want.stderr}`;
      const half = args[0] === "create" && args.includes(`${host}/nope`);
      assert.deepEqual([got.code, got.stdout, got.stderr], [want.code, want.stdout, words]);
      // Docker keeps the entries that it had got before the one that failed; we keep none.
      if (half) await theirs(a, ["rm", list]);
      assert.deepEqual(await kept(b), await kept(a));
    });
  }
});

test("a list that docker began is finished here, and the other way round", async () => {
  for (const [first, second, tag] of [
    [theirs, ours, "x"],
    [ours, theirs, "y"],
  ] as const) {
    const list = `${host}/mixed:${tag}`;
    const dir = await house.directory();
    assert.equal((await first(dir, ["create", "--insecure", list, amd64])).code, 0);
    assert.equal((await second(dir, ["create", "--insecure", "--amend", list, arm64])).code, 0);
    assert.equal((await first(dir, ["annotate", "--arch", "arm64", "--variant", "v8", list, arm64])).code, 0);
    const pushed = await second(dir, ["push", "--insecure", list]);
    assert.equal(pushed.code, 0, pushed.stderr);
    const listed = await readIndex(list);
    assert.deepEqual(
      listed.map(({ platform }) => `${platform.architecture}${platform.variant ?? ""}`),
      ["amd64", "arm64v8"],
    );
  }
});

test("plain HTTP on this machine needs no --insecure, and what was pushed can be copied", async () => {
  const dir = await house.directory();
  const list = `${host}/app:plain`;
  for (const args of [
    ["create", list, amd64, arm64],
    ["push", list],
  ]) {
    const { code, stderr } = await ours(dir, args);
    assert.equal(code, 0, stderr);
  }
  const dest = await house.directory();
  await must("skopeo", ["copy", "--quiet", "--all", "--src-tls-verify=false", `docker://${list}`, `oci:${dest}:x`]);
});

test("an entry that somebody has changed is refused, and the file named", async () => {
  const dir = await house.directory();
  await ours(dir, ["create", `${host}/app:bad`, amd64]);
  const [file = ""] = Object.keys(await kept(dir));
  const full = join(dir, "manifests", file);
  const entry = JSON.parse(await readFile(full, "utf8")) as { Descriptor: { digest: string } };
  entry.Descriptor.digest = `sha256:${"0".repeat(64)}`;
  await writeFile(full, JSON.stringify(entry));
  const { code, stderr } = await ours(dir, ["push", `${host}/app:bad`]);
  assert.equal(code, 1);
  assert.match(stderr, /^ERROR: invalid manifest file \/\S+: image manifest digest mismatch \(sha256:0+ != sha256:/);
});
