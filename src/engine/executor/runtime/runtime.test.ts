import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startSpawner } from "../../../base/process/mod.ts";
import { chosenRuntime, findRuntimes } from "./mod.ts";

const directory = mkdtempSync(join(tmpdir(), "runtime-"));
const spawner = await startSpawner();
after(async () => {
  await spawner[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});
const path = `${directory}:${process.env["PATH"] ?? ""}`;
const choose = async (program: string) => await chosenRuntime(program, { path, spawner });

for (const runtime of findRuntimes(process.env["PATH"] ?? "")) {
  test(`chosenRuntime() knows ${runtime.name} by its name, its path, and under another name`, async () => {
    const other = join(directory, `buildkit-${runtime.name}`);
    symlinkSync(runtime.path, other);
    assert.deepEqual(await choose(runtime.name), runtime);
    assert.deepEqual(await choose(runtime.path), runtime);
    assert.deepEqual(await choose(`buildkit-${runtime.name}`), { name: runtime.name, path: other });
  });
}

test("chosenRuntime() refuses what is not there, and what is no runtime", async () => {
  writeFileSync(join(directory, "fine"), "#!/bin/sh\necho fine version 1.0\n", { mode: 0o755 });
  await assert.rejects(choose("no-such-runtime"), { message: "failed to find no-such-runtime binary" });
  await assert.rejects(choose("/no/such"), { message: "failed to find /no/such binary" });
  await assert.rejects(choose("fine"), { message: /fine is neither crun nor runc/ });
});
