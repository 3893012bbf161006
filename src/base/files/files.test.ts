import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { messageOf } from "../errors/mod.ts";
import { makeDirectory, makeDirectorySync } from "./mod.ts";

const scratch = mkdtempSync(join(tmpdir(), "files-"));
after(() => rmSync(scratch, { recursive: true }));

/** Both ways to make one, as one. */
const ways = {
  makeDirectory,
  makeDirectorySync: async (path: string, options?: { mode?: number }) => makeDirectorySync(path, options),
};

for (const [name, make] of Object.entries(ways)) {
  test(`${name}() makes what is missing, with its mode, and leaves what is there`, async () => {
    const path = join(scratch, name, "a/b/c");
    await make(path, { mode: 0o700 });
    await make(path, { mode: 0o755 });
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.equal(statSync(join(scratch, name, "a")).mode & 0o777, 0o700);
    symlinkSync(path, join(scratch, name, "link"));
    await make(join(scratch, name, "link/d"));
    assert.ok(statSync(join(path, "d")).isDirectory());
    await Promise.all(Array.from({ length: 20 }, async () => await make(join(scratch, name, "x/y/z/at/once"))));
  });

  test(`${name}() refuses what cannot be, and comes back`, async () => {
    const file = join(scratch, `${name}-file`);
    writeFileSync(file, "");
    const said = async (path: string) => messageOf(await Promise.try(make, path).catch((error: unknown) => error));
    assert.equal(await said(file), `mkdir ${file}: not a directory`);
    assert.equal(await said(join(file, "below")), `mkdir ${join(file, "below")}: not a directory`);
    assert.equal(await said("/proc/none"), "mkdir /proc/none: operation not permitted");
    assert.equal(await said("/proc/none/a/b"), "mkdir /proc/none: operation not permitted");
    symlinkSync("/nowhere", join(scratch, `${name}-dangling`));
    assert.match(await said(join(scratch, `${name}-dangling`)), /: not a directory$/);
  });
}

test("makeDirectory() tells what it has made", async () => {
  const made: string[] = [];
  await makeDirectory(join(scratch, "told/b"), { onMade: async (path) => void made.push(path) });
  assert.deepEqual(made, [join(scratch, "told"), join(scratch, "told/b")]);
});
