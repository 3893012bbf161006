import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { ContentStore } from "../../content/mod.ts";
import { openRefStore } from "./mod.ts";
import { entry, layer, remoteLayer, signal } from "./testing/layers.ts";
import { collect, runIn, sha256, type StoreRig, storeRig } from "./testing/store-rig.ts";

const gzip = { type: "gzip" } as const;
const options = { signal, description: "test" };
const blobsOf = (rig: StoreRig): string[] => readdirSync(join(rig.root, "content/blobs/sha256"));
const layersOf = (rig: StoreRig): string[] => readdirSync(join(rig.root, "refs/layers"));
const idsOf = async (rig: StoreRig): Promise<readonly string[]> =>
  (await rig.store.usage({ signal })).layers.map(({ id }) => id);
const stackOn = (name: string) => layer([entry(name, `${name} of a layer`)]);

suite("removing a layer", () => {
  test("takes its rows, its directory, its blobs and the results it is in, and nothing of what it stood on", async (t) => {
    const rig = await storeRig(t);
    const { ref: base } = await rig.store.writeLayer(rig.store.scratch(), stackOn("base"), options);
    const { ref: top } = await rig.store.writeLayer(base, stackOn("top"), options);
    await top.lowerDirs({ signal });
    await top.blobs({ signal, compression: gzip });
    const [savedBase = "", savedTop = ""] = [base, top].map((ref) => rig.store.save(ref));
    await top.release();
    await base.release();
    const [baseId = "", topId = ""] = await idsOf(rig);
    assert.equal(blobsOf(rig).length, 4, "a tar and a gzip of each");

    assert.equal(rig.store.remove(baseId), undefined, "another stands on it");
    const removed = rig.store.remove(topId);
    assert.deepEqual(removed?.saved, [savedTop]);
    assert.equal(await rig.store.load(savedTop), undefined, "gone before its bytes are");
    await removed?.deleted;
    assert.deepEqual(await idsOf(rig), [baseId]);
    assert.equal(blobsOf(rig).length, 2);
    assert.equal(layersOf(rig).length, 1);
    const loaded = await rig.store.load(savedBase);
    assert.ok((await loaded?.tree({ signal }))?.get("base"));
    await loaded?.release();
    await rig.store.remove(baseId)?.deleted;
    assert.deepEqual([blobsOf(rig), layersOf(rig), await idsOf(rig)], [[], [], []]);
    assert.deepEqual(readdirSync(join(rig.root, "refs/tmp")), []);
  });

  test("is refused while somebody holds it, also when only what stands on it is held", async (t) => {
    const rig = await storeRig(t);
    const base = await rig.store.fromImage([remoteLayer(stackOn("base"))], { description: "image" });
    const run = await runIn(rig, base, (root) => writeFileSync(join(root, "made"), "by a process"));
    await base.release();
    for (const id of await idsOf(rig)) assert.equal(rig.store.remove(id), undefined);
    assert.ok((await rig.store.usage({ signal })).layers.every(({ isHeld }) => isHeld));
    await run.release();
    for (const id of (await idsOf(rig)).toReversed()) assert.ok(rig.store.remove(id));
  });

  test("leaves a blob that another layer has, too, until that one goes", async (t) => {
    const rig = await storeRig(t);
    const ids: string[] = [];
    for (const round of [1, 2]) {
      // The same files at the same times on different bases: two layers, one tar.
      const { ref: base } = await rig.store.writeLayer(rig.store.scratch(), stackOn(`base ${round}`), options);
      const ref = await runIn(rig, base, (root) => {
        writeFileSync(join(root, "same"), "same");
        execFileSync("touch", ["-d", "@1600000000", join(root, "same")]);
        execFileSync("touch", ["-d", "@1600000000", root]);
      });
      const blob = (await ref.blobs({ signal, compression: gzip })).at(-1);
      ids.push(blob?.descriptor.digest ?? "");
      await ref.release();
      await base.release();
    }
    assert.equal(ids[0], ids[1]);
    const runs = (await idsOf(rig)).filter((id) => id.startsWith("run:"));
    const there = (): boolean => existsSync(rig.content.path(ids[0] as never));
    await rig.store.remove(runs[0] ?? "")?.deleted;
    assert.ok(there());
    await rig.store.remove(runs[1] ?? "")?.deleted;
    assert.ok(!there());
  });

  test("leaves the directory that an image's layer and the same layer made here have in common", async (t) => {
    const rig = await storeRig(t);
    const toc = stackOn("both");
    const { ref: made } = await rig.store.writeLayer(rig.store.scratch(), toc, options);
    const pulled = await rig.store.fromImage([remoteLayer(toc)], { description: "image" });
    const [directory = ""] = await pulled.lowerDirs({ signal });
    await made.release();
    const id = (await idsOf(rig)).find((known) => known.startsWith("packed:")) ?? "";
    await rig.store.remove(id)?.deleted;
    assert.ok(existsSync(join(directory, "both")));
  });

  test("does not hit who writes the same layer again at that moment", async (t) => {
    const rig = await storeRig(t);
    const committed = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    let gated = false;
    const content = new Proxy(rig.content, {
      get(target, key: keyof ContentStore) {
        const value = target[key];
        if (key !== "ingest") return (value as (...args: unknown[]) => unknown).bind(target);
        return async (...args: Parameters<ContentStore["ingest"]>) => {
          const ingest = await target.ingest(...args);
          const commit = ingest.commit.bind(ingest);
          ingest.commit = async (claimed) => {
            const blob = await commit(claimed);
            if (gated) {
              committed.resolve();
              await gate.promise;
            }
            return blob;
          };
          return ingest;
        };
      },
    });
    const store = await openRefStore({ root: join(rig.root, "gated"), content, bytes: rig.bytes });
    t.after(() => store[Symbol.asyncDispose]());
    const toc = stackOn("again");
    await (await store.writeLayer(store.scratch(), toc, options)).ref.release();
    const id = (await store.usage({ signal })).layers[0]?.id ?? "";

    gated = true;
    const writing = store.writeLayer(store.scratch(), toc, options);
    await committed.promise;
    assert.equal(store.remove(id), undefined, "its blob is just coming in");
    const { layers, otherBlobs } = await store.usage({ signal });
    assert.deepEqual([layers.map(({ isHeld }) => isHeld), otherBlobs], [[true], []]);
    gate.resolve();
    const { ref } = await writing;
    const [blob] = await ref.blobs({ signal, compression: { type: "uncompressed" } });
    assert.ok(blob);
    assert.equal(sha256(await collect(blob.open({ signal }))), blob.descriptor.digest);
    await ref.release();
    assert.ok(store.remove(id));
  });

  test("waits for work that goes on after the one who asked for it has left", async (t) => {
    const rig = await storeRig(t);
    const ref = await rig.store.fromImage([remoteLayer(stackOn("slow"))], { description: "image" });
    const [id = ""] = await idsOf(rig);
    const leaving = new AbortController();
    const directories = ref.lowerDirs({ signal: leaving.signal });
    leaving.abort();
    await assert.rejects(directories);
    await ref.release();
    let tries = 0;
    while (!rig.store.remove(id)) {
      assert.ok(tries++ < 1000);
      await setImmediate();
    }
    assert.ok(tries > 0, "it was still being made");
    assert.deepEqual(layersOf(rig), []);
  });

  test("that was begun and not finished is finished by the next start", async (t) => {
    let rig = await storeRig(t);
    const { ref } = await rig.store.writeLayer(rig.store.scratch(), stackOn("doomed"), options);
    await ref.release();
    const [id = ""] = await idsOf(rig);
    // As if the process had died when the rows were gone and nothing else was.
    const store = await openRefStore({
      root: join(rig.root, "refs"),
      content: new Proxy(rig.content, {
        get: (target, key: keyof ContentStore) =>
          key === "remove" ? () => Promise.reject(new Error("dead")) : (target[key] as () => unknown).bind(target),
      }),
      bytes: rig.bytes,
    });
    await store.remove(id)?.deleted;
    assert.equal(blobsOf(rig).length, 1);
    rig = await rig.reopen();
    assert.deepEqual([blobsOf(rig), layersOf(rig)], [[], []]);
  });
});

suite("usage", () => {
  test("is what du says, counted once and again when a face was made", async (t) => {
    const rig = await storeRig(t);
    const { ref } = await rig.store.writeLayer(
      rig.store.scratch(),
      layer([entry("big", "x".repeat(300_000)), entry("small", "y")]),
      options,
    );
    const measured = async () => {
      const { layers } = await rig.store.usage({ signal });
      return layers.reduce((sum, { bytes }) => sum + bytes, 0);
    };
    const du = () => {
      const [directory = ""] = layersOf(rig);
      const text = execFileSync("du", ["-s", "--block-size=1", join(rig.root, "refs/layers", directory)], {
        encoding: "utf8",
      });
      const apparent = ["-s", "--apparent-size", "--block-size=1"];
      const blobs = blobsOf(rig).map((name) => join(rig.root, "content/blobs/sha256", name));
      const sizes = execFileSync("du", [...apparent, ...blobs], { encoding: "utf8" })
        .trim()
        .split("\n");
      return [text, ...sizes].reduce((sum, line) => sum + Number.parseInt(line, 10), 0);
    };
    assert.equal(await measured(), du());
    await ref.lowerDirs({ signal });
    assert.equal(await measured(), du());
    await ref.blobs({ signal, compression: gzip });
    assert.equal(await measured(), du());
    assert.equal(await measured(), du());
  });

  test("tells how often a layer was used, and when last, also after a restart", async (t) => {
    let rig = await storeRig(t);
    const before = Date.now();
    const { ref } = await rig.store.writeLayer(rig.store.scratch(), stackOn("used"), options);
    const saved = rig.store.save(ref) ?? "";
    const now = async () => (await rig.store.usage({ signal })).layers[0];
    assert.deepEqual([(await now())?.uses, (await now())?.usedAt], [0, undefined]);
    await ref.release();
    assert.equal((await now())?.uses, 1);
    await (await rig.store.load(saved))?.release();
    rig = await rig.reopen();
    const used = await now();
    assert.equal(used?.uses, 2);
    assert.ok((used?.usedAt?.getTime() ?? 0) >= before);
    assert.ok((used?.addedAt.getTime() ?? 0) >= before);
    assert.equal(used?.description, "test");
  });

  test("that stands on another which stands on it, as in merges both ways round, goes when the other one does", async (t) => {
    const rig = await storeRig(t);
    const { store } = rig;
    const write = async (name: string) => (await store.writeLayer(store.scratch(), stackOn(name), options)).ref;
    const [a, b] = [await write("a"), await write("b")];
    const merged = [store.stack([a, b]), store.stack([b, a])];
    const saved = merged.map((ref) => store.save(ref) ?? "");
    const [one = "", two = ""] = await idsOf(rig);
    await Promise.all([a, b, ...merged.slice(1)].map(async (ref) => await ref.release()));
    assert.equal(
      store.remove(one, () => true),
      undefined,
      "both are still held",
    );
    await merged[0]?.release();
    assert.equal(store.remove(one), undefined);
    assert.equal(
      store.remove(one, (id) => id === "another"),
      undefined,
    );
    const removed = store.remove(one, (id) => id === two);
    for (const id of saved) assert.ok(removed?.saved.includes(id));
    assert.ok(store.remove(two));
    assert.deepEqual(await idsOf(rig), []);
  });

  test("lists blobs of no layer apart, and removes them when asked to", async (t) => {
    const rig = await storeRig(t);
    const { digest } = await rig.content.put(Buffer.from("a manifest"));
    const { ref } = await rig.store.writeLayer(rig.store.scratch(), stackOn("kept"), options);
    const { otherBlobs } = await rig.store.usage({ signal });
    assert.deepEqual(otherBlobs, [{ digest, bytes: 10 }]);
    const all = blobsOf(rig).map((name) => `sha256:${name}` as typeof digest);
    await rig.store.removeBlobs(all).deleted;
    assert.equal(await rig.content.has(digest), false);
    assert.equal(blobsOf(rig).length, 1, "the layer's own stays");
    await ref.release();
  });
});
