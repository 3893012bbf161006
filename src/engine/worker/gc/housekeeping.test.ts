import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BuildError } from "../../../base/errors/mod.ts";
import { openDirectoryStore } from "../../../content/mod.ts";
import { digestOf } from "../../../oci/mod.ts";
import { openByteWorkers } from "../../bytes/mod.ts";
import { openRefStore, type Ref } from "../../refs/mod.ts";
import { SqliteCacheStore } from "../cache-store.ts";
import { cacheMounts, Housekeeping, KeptDirectories, pruneRule, type PruneRule, receivedDirectories } from "./mod.ts";

const { signal } = new AbortController();

/** A state directory with everything that housekeeping looks after, and a clock that the test turns. */
async function openRig(t: TestContext, options: { policy?: readonly PruneRule[]; intervalMs?: number } = {}) {
  const root = mkdtempSync(join(tmpdir(), "housekeeping-"));
  const undo = new AsyncDisposableStack();
  undo.defer(() => rmSync(root, { recursive: true, force: true }));
  t.after(() => undo.disposeAsync());
  let time = Date.parse("2026-01-01");
  const now = () => new Date(time);
  const bytes = undo.use(openByteWorkers({ limit: 2 }));
  const content = await openDirectoryStore(join(root, "content"));
  const refs = undo.use(await openRefStore({ root: join(root, "layers"), content, bytes, now }));
  const cache = undo.use(new SqliteCacheStore(join(root, "cache.db"), refs));
  const shelves = [cacheMounts, receivedDirectories];
  const kept = undo.use(await KeptDirectories.open({ root, shelves, bytes, now }));
  const { policy = [], intervalMs = 60_000 } = options;
  const housekeeping = undo.use(await Housekeeping.open({ root, refs, cache, kept, policy, now, intervalMs }));
  return {
    root,
    content,
    refs,
    cache,
    kept,
    housekeeping,
    passHours: (hours: number) => (time += hours * 3_600_000),
    /** A layer of so many bytes on top of `below`, kept under a key. */
    async make(name: string, below: Ref = refs.scratch(), size = 10_000): Promise<Ref> {
      const data = Buffer.alloc(size, name);
      const meta = { uid: 0, gid: 0, mode: 0o644, mtimeSec: 0, mtimeNsec: 0 };
      const content = { kind: "bytes", data } as const;
      const entries = [{ ...meta, path: name, type: "file", size, digest: digestOf(data), content } as const];
      const plan = { entries, whiteouts: [], opaques: [] };
      const { ref } = await refs.writeLayer(below, plan, { signal, description: name });
      await cache.store(digestOf(name), ref, { description: name });
      return ref;
    },
    /** Uses a cache mount of that name, for as long as the result is not disposed of. */
    mount(name: string) {
      const path = join(root, "cache-mounts", name, "0");
      const use = kept.use(cacheMounts).begin(path, `cached mount ${name}`);
      mkdirSync(join(path, "data"), { recursive: true });
      writeFileSync(join(path, "data/file"), "x".repeat(5000));
      return { path, ...use, [Symbol.dispose]: () => use[Symbol.dispose]() };
    },
    async descriptions(): Promise<readonly string[]> {
      const records = await housekeeping.usage({ filters: [], unusedForMs: 0, signal });
      return records.map(({ description }) => description).toSorted();
    },
    async prune(changes: Partial<PruneRule> = {}): Promise<readonly string[]> {
      const gone: string[] = [];
      for await (const { description } of housekeeping.prune(pruneRule(changes), { signal })) gone.push(description);
      return gone;
    },
  };
}

suite("pruning", () => {
  test("takes a stack from its top, and keys that led to it lead nowhere", async (t) => {
    const rig = await openRig(t);
    const base = await rig.make("base");
    const top = await rig.make("top", base);
    await top.release();
    await base.release();
    assert.deepEqual(await rig.prune(), ["top", "base"]);
    assert.equal(await rig.cache.load(digestOf("top")), undefined);
    assert.equal(await rig.cache.load(digestOf("base")), undefined);
    assert.deepEqual(readdirSync(join(rig.root, "content/blobs/sha256")), []);
  });

  test("takes nothing that is held, nor what it stands on, however often it is asked to", async (t) => {
    const rig = await openRig(t);
    const base = await rig.make("base");
    const held = await rig.make("held", base);
    const other = await rig.make("other", base);
    await base.release();
    await other.release();
    using mounted = rig.mount("mounted");
    rig.mount("idle")[Symbol.dispose]();
    assert.deepEqual(new Set(await rig.prune({ all: true })), new Set(["other", "cached mount idle"]));
    assert.deepEqual(await rig.prune({ all: true }), []);
    assert.deepEqual(await rig.descriptions(), ["base", "cached mount mounted", "held"]);
    assert.ok(existsSync(join(mounted.path, "data/file")));
    assert.ok((await held.tree({ signal })).get("held"));
    await held.release();
  });

  test("spares what a build comes to hold while it goes on", async (t) => {
    const rig = await openRig(t);
    for (const name of ["first", "second", "third"]) await (await rig.make(name)).release();
    rig.mount("cache")[Symbol.dispose]();
    const pruning = rig.housekeeping.prune(pruneRule(), { signal });
    const { value: gone } = await pruning.next();
    // Between one record and the next a build finds what is still there.
    const names = ["first", "second", "third"];
    const loaded = await Promise.all(names.map(async (name) => await rig.cache.load(digestOf(name))));
    using _mounted = rig.mount("cache");
    const rest: string[] = [];
    for await (const { description } of pruning) rest.push(description);
    assert.deepEqual(rest, []);
    assert.equal(loaded.filter((ref) => ref !== undefined).length, gone?.description === "cached mount cache" ? 3 : 2);
    for (const ref of loaded) {
      const [blob] = (await ref?.blobs({ signal, compression: { type: "gzip" } })) ?? [];
      assert.ok(ref === undefined || blob !== undefined);
      await ref?.release();
    }
  });

  test("leaves manifests alone while any build runs", async (t) => {
    const rig = await openRig(t);
    await rig.content.put(Buffer.from("a manifest"));
    const build = rig.housekeeping.build();
    assert.deepEqual(await rig.prune({ all: true }), []);
    build[Symbol.dispose]();
    assert.deepEqual(await rig.prune(), [], "internal records only go when all is asked for");
    assert.deepEqual(await rig.prune({ all: true }), ["manifests and configurations of images"]);
    assert.deepEqual(readdirSync(join(rig.root, "content/blobs/sha256")), []);
  });

  test("stops at its bounds, taking first what is missed least", async (t) => {
    const rig = await openRig(t);
    for (const name of ["old", "middle", "new"]) {
      await (await rig.make(name, undefined, 1_000_000)).release();
      rig.passHours(1);
    }
    assert.deepEqual(await rig.prune({ maxUsedBytes: 10_000_000 }), []);
    assert.deepEqual(await rig.prune({ maxUsedBytes: 2_500_000 }), ["old"]);
    assert.deepEqual(await rig.prune({ maxUsedBytes: 1, reservedBytes: 1_500_000 }), ["middle"]);
    assert.deepEqual(await rig.prune({ keepDurationMs: 5 * 3_600_000 }), []);
    assert.deepEqual(await rig.prune({ keepDurationMs: 1800_000 }), ["new"]);
  });

  test("lists what was not used for so long", async (t) => {
    const rig = await openRig(t);
    await (await rig.make("old")).release();
    rig.passHours(3);
    await (await rig.make("new")).release();
    rig.passHours(1);
    const unused = await rig.housekeeping.usage({ filters: [], unusedForMs: 2 * 3_600_000, signal });
    assert.deepEqual(
      unused.map(({ description }) => description),
      ["old"],
    );
  });

  test("refuses a filter that it cannot read before it removes anything", async (t) => {
    const rig = await openRig(t);
    await (await rig.make("stays")).release();
    await assert.rejects(
      rig.prune({ filters: ["type==regular", "id~=("] }),
      (error) => error instanceof BuildError && error.code === "invalid_argument",
    );
    assert.deepEqual(await rig.descriptions(), ["stays"]);
  });

  test("ends where its caller leaves, with what was told removed and the rest there", async (t) => {
    const rig = await openRig(t);
    for (const name of ["a", "b", "c"]) await (await rig.make(name)).release();
    const controller = new AbortController();
    const gone: string[] = [];
    await assert.rejects(async () => {
      for await (const { description } of rig.housekeeping.prune(pruneRule(), { signal: controller.signal })) {
        gone.push(description);
        controller.abort();
      }
    });
    assert.equal(gone.length, 1);
    assert.equal((await rig.descriptions()).length, 2);
    assert.equal((await rig.prune()).length, 2, "the next one gets its turn");
  });
});

suite("automatic collection", () => {
  test("applies the policy after a build, rule by rule", async (t) => {
    const policy = [
      pruneRule({ filters: ["type==exec.cachemount"], keepDurationMs: 3_600_000, maxUsedBytes: 1 }),
      pruneRule({ maxUsedBytes: 1_500_000 }),
    ];
    const rig = await openRig(t, { policy, intervalMs: 1 });
    assert.equal(rig.housekeeping.policy, policy);
    rig.mount("stale")[Symbol.dispose]();
    rig.passHours(2);
    rig.mount("fresh")[Symbol.dispose]();
    for (const name of ["old", "new"]) {
      await (await rig.make(name, undefined, 1_000_000)).release();
      rig.passHours(0.1);
    }
    rig.housekeeping.build()[Symbol.dispose]();
    const want = ["cached mount fresh", "new"];
    for (let tries = 0; tries < 6000 && (await rig.descriptions()).length > want.length; tries++) await sleep(10);
    assert.deepEqual(await rig.descriptions(), want);
  });

  test("forgets keys whose results are gone, and content keys that nobody asks for", async (t) => {
    const rig = await openRig(t, { policy: [] });
    const ref = await rig.make("kept");
    await rig.cache.storeContentKey(digestOf("a"), digestOf("b"));
    await rig.housekeeping.collect({ signal });
    const kept = await rig.cache.load(digestOf("kept"));
    assert.ok(kept);
    await kept.release();
    await ref.release();
    assert.equal(await rig.cache.loadContentKey(digestOf("a")), digestOf("b"));
    await rig.cache.sweep(() => false, new Date(Date.now() + 1000));
    assert.equal(await rig.cache.load(digestOf("kept")), undefined);
    assert.equal(await rig.cache.loadContentKey(digestOf("a")), undefined);
  });
});

suite("kept directories", () => {
  const open = async (t: TestContext, root: string) => {
    const bytes = openByteWorkers({ limit: 1 });
    const shelves = [cacheMounts, receivedDirectories];
    const kept = await KeptDirectories.open({ root, shelves, bytes, now: () => new Date() });
    const close = async () => {
      kept[Symbol.dispose]();
      await bytes[Symbol.asyncDispose]();
    };
    return { kept, close };
  };

  test("are found again, with or without a row; what was being made or removed when the engine died is not", async (t) => {
    const root = mkdtempSync(join(tmpdir(), "kept-"));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    for (const path of ["cache-mounts/known/0", "cache-mounts/unknown/1", "contexts/received/whole", "trash/removed"]) {
      mkdirSync(join(root, path, "data"), { recursive: true });
      // Not every file system counts blocks for directories.
      writeFileSync(join(root, path, "data/file"), "x".repeat(5000));
    }
    for (const path of ["contexts/received/half.session.12.3"]) mkdirSync(join(root, path));
    const first = await open(t, root);
    first.kept.use(cacheMounts).begin(join(root, "cache-mounts/known/0"), "cached mount known")[Symbol.dispose]();
    first.kept.use(cacheMounts).begin(join(root, "cache-mounts/never/0"), "never made");
    await first.close();
    const second = await open(t, root);
    const records = await second.kept.records({ signal });
    assert.deepEqual(
      records.map(({ record }) => [record.description, record.type, record.uses, record.isMutable]),
      [
        ["cached mount known", "exec.cachemount", 2, true],
        ["cached mount", "exec.cachemount", 1, true],
        ["local source", "source.local", 1, true],
      ],
    );
    assert.ok(records.every(({ record }) => record.bytes >= 4096));
    for (let tries = 0; tries < 6000 && readdirSync(join(root, "trash")).length > 0; tries++) await sleep(10);
    assert.deepEqual(readdirSync(join(root, "trash")), []);
    for (const item of records) await item.remove();
    assert.deepEqual(readdirSync(join(root, "cache-mounts")), []);
    assert.deepEqual(readdirSync(join(root, "contexts/received")), []);
    await second.close();
  });

  test("are counted again after they were used", async (t) => {
    const rig = await openRig(t);
    const mount = rig.mount("grows");
    mount[Symbol.dispose]();
    const sizeNow = async () => (await rig.housekeeping.usage({ filters: [], unusedForMs: 0, signal }))[0]?.bytes ?? 0;
    const before = await sizeNow();
    assert.ok(before >= 5000);
    const again = rig.mount("grows");
    writeFileSync(join(again.path, "data/more"), "y".repeat(100_000));
    again[Symbol.dispose]();
    assert.ok((await sizeNow()) >= before + 100_000);
  });
});
