import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { openDirectoryStore } from "../../content/mod.ts";
import { openByteWorkers } from "../bytes/mod.ts";
import { openRefStore } from "./mod.ts";
import { signal } from "./testing/layers.ts";
import { sha256 } from "./testing/store-rig.ts";

test("a store whose process is killed while it writes has everything that was finished, and no litter", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "killed-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const finished: string[] = [];
  for (const delayMs of [0, 3, 17, 40]) finished.push(...(await writeAndKill(root, delayMs)));
  assert.ok(finished.length >= 4, "something was finished each time");

  const content = await openDirectoryStore(join(root, "content"));
  const bytes = openByteWorkers({ limit: 2 });
  t.after(() => bytes[Symbol.asyncDispose]());
  const store = await openRefStore({ root: join(root, "refs"), content, bytes });
  for (const line of finished) {
    const [saved = "", path = ""] = line.split(" ");
    const ref = await store.load(saved);
    assert.ok(ref, `${path} is there`);
    const entry = (await ref.tree({ signal })).get(path);
    assert.equal(entry?.type, "file");
    for (const blob of await ref.blobs({ signal, compression: { type: "gzip" } })) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of blob.open({ signal })) chunks.push(chunk);
      assert.equal(sha256(Buffer.concat(chunks)), blob.descriptor.digest);
    }
    const [top = ""] = await ref.lowerDirs({ signal });
    assert.equal(readdirSync(top).includes(path), true);
    await ref.release();
  }
  // The sweep deletes in the background.
  const litter = (): string[] => readdirSync(join(root, "refs/tmp"));
  for (let attempt = 0; attempt < 2400 && litter().length > 0; attempt++) await setTimeout(25);
  assert.deepEqual(litter(), []);
  assert.deepEqual(readdirSync(join(root, "content/ingest")), []);
});

/** Lets a process write until it has finished something and `delayMs` more, kills it, and gives what it said was finished. */
async function writeAndKill(root: string, delayMs: number): Promise<string[]> {
  const program = join(import.meta.dirname, "testing/killed-writer.ts");
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, root, String(delayMs)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === 2) void setTimeout(delayMs).then(() => child.kill("SIGKILL"));
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL");
  return lines.filter((line) => line.includes(" "));
}
