import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { TokenSeeds } from "./mod.ts";

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "polyarch-seeds-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

test("a seed is kept for each registry, for its owner's eyes, beside those of docker buildx", async (t) => {
  const parent = await directory(t);
  const path = join(parent, "docker");
  const one = await new TokenSeeds(path).for("one.example");
  assert.equal(one.length, 16);
  const file = join(path, ".token_seed");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const theirs = { Seed: Buffer.from("sixteen bytes ..").toString("base64") };
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), "two.example": theirs }));
  const again = new TokenSeeds(path);
  assert.deepEqual(Buffer.from(await again.for("one.example")), Buffer.from(one));
  assert.equal(Buffer.from(await again.for("two.example")).toString(), "sixteen bytes ..");
  assert.notDeepEqual(await again.for("three.example"), one);
  assert.deepEqual(Object.keys(JSON.parse(await readFile(file, "utf8"))), [
    "one.example",
    "two.example",
    "three.example",
  ]);
  assert.deepEqual(await readdir(path), [".token_seed"]);
});

test("a seed that cannot be kept is good for as long as the process", async (t) => {
  const path = join(await directory(t), "file");
  await writeFile(path, "no directory");
  const seeds = new TokenSeeds(path);
  const seed = await seeds.for("one.example");
  assert.equal(await seeds.for("one.example"), seed);
  assert.equal(await readFile(path, "utf8"), "no directory");
});

test("what is no JSON is written anew", async (t) => {
  const path = await directory(t);
  await writeFile(join(path, ".token_seed"), '{"half');
  const seed = await new TokenSeeds(path).for("__proto__");
  assert.deepEqual(Buffer.from(await new TokenSeeds(path).for("__proto__")), Buffer.from(seed));
});
