import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Script } from "node:vm";
import { codeCacheFolder } from "./load-program.ts";

const directories: string[] = [];
after(async () => {
  for (const directory of directories) await rm(directory, { recursive: true });
});

/** A program of two chunks, which prints its result. */
async function program(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-program-"));
  directories.push(directory);
  await writeFile(
    join(directory, "main.cjs"),
    'const part = require("./part.cjs"); console.log(part.value, part === require("./part.cjs"), require("node:path").basename(__filename));',
  );
  await writeFile(join(directory, "part.cjs"), 'module.exports = { value: "loaded" };');
  await mkdir(join(directory, codeCacheFolder));
  return directory;
}

/** What it prints in a process of its own, where V8 has seen none of it; and then of each chunk whether its cache was not taken. */
function run(
  directory: string,
  options: { readonly saveTo?: string; readonly flags?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
): readonly string[] {
  const text = `
    import { loadProgram } from ${JSON.stringify(join(import.meta.dirname, "load-program.ts"))};
    import { writeFileSync } from "node:fs";
    const scripts = new Map();
    loadProgram(${JSON.stringify(directory)}, "main.cjs", (name, script) => scripts.set(name, script));
    for (const [name, script] of scripts) {
      console.log(name, script.cachedDataRejected);
      const saveTo = ${JSON.stringify(options.saveTo ?? "")};
      if (saveTo !== "") writeFileSync(saveTo + "/" + name, script.createCachedData());
    }`;
  const { flags = [], env = {} } = options;
  const args = ["--disable-warning=ExperimentalWarning", ...flags, "--input-type=module", "-e", text];
  return execFileSync(process.execPath, args, { encoding: "utf8", stdio: "pipe", env: { ...process.env, ...env } })
    .trim()
    .split("\n");
}

test("A program without code caches runs, each chunk once", async () => {
  const directory = await program();
  const plain = ["loaded true main.cjs", "main.cjs undefined", "part.cjs undefined"];
  assert.deepEqual(run(directory), plain);
  await rm(join(directory, codeCacheFolder), { recursive: true });
  assert.deepEqual(run(directory), plain);
});

test("Code caches are taken wherever the program lies; those that are damaged, or of another text, are passed over", async () => {
  const [made, moved] = [await program(), await program()];
  run(made, { saveTo: join(moved, codeCacheFolder) });
  assert.deepEqual(run(moved), ["loaded true main.cjs", "main.cjs false", "part.cjs false"]);
  const path = join(moved, codeCacheFolder, "part.cjs");
  const good = await readFile(path);
  const other = new Script("(function () { return 'something else'; })").createCachedData();
  for (const bad of [Buffer.from("no cache"), other, good.subarray(0, good.byteLength / 2)]) {
    await writeFile(path, bad);
    assert.deepEqual(run(moved), ["loaded true main.cjs", "main.cjs false", "part.cjs true"]);
  }
});

test("The same authorities are trusted, whether or not Node was told to leave them unread until they are needed", async () => {
  const directory = await program();
  await writeFile(
    join(directory, "main.cjs"),
    `const { X509Certificate } = require("node:crypto");
    const trusted = require("node:tls").getCACertificates("default").map((pem) => new X509Certificate(pem).fingerprint256);
    console.log([...new Set(trusted)].sort().join());`,
  );
  const env = { SSL_CERT_FILE: "/dev/null", SSL_CERT_DIR: "/dev/null" };
  const usual = run(directory, { env })[0] ?? "";
  assert.ok(usual.split(",").length > 50, usual);
  assert.equal(run(directory, { flags: ["--use-openssl-ca"], env })[0], usual);
});

test("A module that Node does not have is named", async () => {
  const directory = await program();
  await writeFile(join(directory, "main.cjs"), 'require("left-pad");');
  assert.throws(() => run(directory), /Cannot find module 'left-pad'/);
});
