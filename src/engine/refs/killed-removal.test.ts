import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { openDirectoryStore } from "../../content/mod.ts";
import { openByteWorkers } from "../bytes/mod.ts";
import { openRefStore } from "./mod.ts";
import { entry, layer, signal } from "./testing/layers.ts";
import { collect, sha256, storeRig } from "./testing/store-rig.ts";

test("a store whose process is killed while it removes has each layer wholly or not at all, and nothing without a row", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "killed-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const made: string[] = [];
  for (const delayMs of [0, 1, 2, 4, 8]) made.push(...(await removeAndKill(root, delayMs)));
  assert.ok(made.length > 0);

  const content = await openDirectoryStore(join(root, "content"));
  const bytes = openByteWorkers({ limit: 2 });
  t.after(() => bytes[Symbol.asyncDispose]());
  const store = await openRefStore({ root: join(root, "refs"), content, bytes });
  for (const line of made) {
    const [saved = "", name = ""] = line.split(" ");
    const ref = await store.load(saved);
    assert.equal(ref !== undefined, store.isKnown(saved), `${name}: a row, and what it speaks of, or neither`);
    if (!ref) continue;
    assert.ok((await ref.tree({ signal })).get(name));
    for (const blob of await ref.blobs({ signal, compression: { type: "gzip" } }))
      assert.equal(sha256(await collect(blob.open({ signal }))), blob.descriptor.digest);
    await ref.release();
  }
  const { layers, otherBlobs } = await store.usage({ signal });
  assert.deepEqual(otherBlobs, [], "no blob without a layer");
  assert.equal(readdirSync(join(root, "refs/layers")).length, layers.length);
  await Promise.all(layers.map(async ({ id }) => await store.remove(id)?.deleted));
  const left = (): string[] =>
    ["refs/layers", "refs/tmp", "content/blobs/sha256", "content/ingest"].flatMap((path) =>
      readdirSync(join(root, path)),
    );
  // The sweep deletes in the background.
  for (let tries = 0; tries < 2400 && left().length > 0; tries++) await setTimeout(25);
  assert.deepEqual(left(), []);
});

test("builds that write, load and read while everything is removed all the time get what they hold, whole", async (t) => {
  const { store } = await storeRig(t);
  let ended = false;
  const removing = (async () => {
    let removed = 0;
    while (!ended) {
      for (const { id } of (await store.usage({ signal })).layers) if (store.remove(id)) removed++;
    }
    return removed;
  })();
  const build = async (lane: number): Promise<void> => {
    for (let round = 0; round < 25; round++) {
      // Few different layers, so that lanes remove and make the same ones.
      const name = `layer-${(lane + round) % 4}`;
      const { ref: base } = await store.writeLayer(store.scratch(), layer([entry(name, name.repeat(500))]), {
        signal,
        description: name,
      });
      const top = await store.writeLayer(base, layer([entry(`on-${name}`, "x")]), { signal, description: "top" });
      await base.release();
      const saved = store.save(top.ref) ?? "";
      await top.ref.lowerDirs({ signal });
      for (const blob of await top.ref.blobs({ signal, compression: { type: "gzip" } }))
        assert.equal(sha256(await collect(blob.open({ signal }))), blob.descriptor.digest);
      await top.ref.release();
      const again = await store.load(saved);
      if (again) {
        const [directory = ""] = await again.lowerDirs({ signal });
        assert.deepEqual(readdirSync(directory), [`on-${name}`]);
        assert.ok((await again.tree({ signal })).get(name));
      }
      await again?.release();
    }
  };
  try {
    await Promise.all([0, 1, 2, 3].map(build));
  } finally {
    ended = true;
  }
  assert.ok((await removing) > 0);
});

test("a store of the version before removal opens, and its layers can be removed", async (t) => {
  const rig = await storeRig(t);
  const { ref } = await rig.store.writeLayer(rig.store.scratch(), layer([entry("old", "old")]), {
    signal,
    description: "old",
  });
  const saved = rig.store.save(ref) ?? "";
  await ref.release();
  await rig.store[Symbol.asyncDispose]();
  const database = new DatabaseSync(join(rig.root, "refs/refs.db"));
  database.exec(`
    DROP INDEX layer_below; DROP INDEX layer_diff_id; DROP INDEX layer_digest; DROP INDEX stack_below; DROP INDEX stack_layer;
    DROP INDEX blob_digest; DROP TABLE doomed;
    ALTER TABLE layer DROP COLUMN added_ms; ALTER TABLE layer DROP COLUMN used_ms; ALTER TABLE layer DROP COLUMN uses;
    ALTER TABLE layer DROP COLUMN directory_bytes; ALTER TABLE layer DROP COLUMN origin;
    PRAGMA user_version = 1;
  `);
  database.close();
  const { content, bytes } = rig;
  const store = await openRefStore({ root: join(rig.root, "refs"), content, bytes });
  t.after(() => store[Symbol.asyncDispose]());
  await (await store.load(saved))?.release();
  const [old] = (await store.usage({ signal })).layers;
  assert.deepEqual([old?.description, old?.uses], ["old", 1]);
  assert.ok(store.remove(old?.id ?? ""));
});

/** Lets a process remove what it made, kills it `delayMs` after it began to, and gives what it had made. */
async function removeAndKill(root: string, delayMs: number): Promise<string[]> {
  const program = join(import.meta.dirname, "testing/killed-pruner.ts");
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, root, String(delayMs)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "removing") void setTimeout(delayMs).then(() => child.kill("SIGKILL"));
    else lines.push(line);
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL");
  return lines.filter((line) => line.includes(" "));
}
