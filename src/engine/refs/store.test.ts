import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { BuildError } from "../../base/errors/mod.ts";
import { digestOf } from "../../oci/mod.ts";
import type { Tree } from "../snapshots/mod.ts";
import type { Ref } from "./mod.ts";
import { entry, layer, remoteLayer, signal, symlink, tarOf } from "./testing/layers.ts";
import { collect, runIn, sha256, showing, storeRig } from "./testing/store-rig.ts";

const gzip = { type: "gzip" } as const;
const paths = (tree: Tree): string[] => [...tree.walk("")].map(({ path }) => path).slice(1);
const digests = async (ref: Ref, ...names: string[]) => {
  const tree = await ref.tree({ signal });
  return await ref.digests(
    names.map((name) => tree.get(name) ?? assert.fail(`${name} is missing`)),
    { signal },
  );
};
const text = async (ref: Ref, path: string): Promise<string> => {
  const found = (await ref.tree({ signal })).get(path);
  assert.ok(found, `${path} exists`);
  const [located] = await ref.locate([found], { signal });
  const content = located?.content;
  assert.ok(content?.kind === "range", `${path} is on disk`);
  return readFileSync(content.file)
    .subarray(content.offsetBytes, content.offsetBytes + found.size)
    .toString();
};

suite("an image's layers", () => {
  const base = layer([
    entry("etc"),
    entry("etc/name", "base"),
    symlink("lib", "usr/lib"),
    entry("usr"),
    entry("usr/lib", undefined, 0o711),
    entry("usr/lib/a", "A"),
  ]);
  // Says nothing about the directories that it changes, goes through a link, and links to a file below.
  const top = layer(
    [entry("etc/new", "new"), { ...entry("hard", ""), hardlink: "etc/name" }, entry("lib/b", "B")],
    ["etc/gone", "usr/lib/a"],
  );

  test("are not fetched before somebody looks inside, whatever else is asked", async (t) => {
    const { store } = await storeRig(t);
    const remotes = [remoteLayer(base), remoteLayer(top, "zstd")];
    const ref = await store.fromImage(remotes, { description: "test" });
    const blobs = await ref.blobs({ signal, compression: gzip });
    assert.deepEqual(
      blobs.map(({ descriptor }) => descriptor.digest),
      remotes.map(({ descriptor }) => descriptor.digest),
    );
    assert.deepEqual(
      blobs.map(({ descriptor }) => descriptor.mediaType.split("+")[1]),
      ["gzip", "zstd"],
    );
    assert.deepEqual(blobs[0]?.knownIn, ["registry.example/library/base"]);
    assert.deepEqual(
      remotes.map(({ fetches }) => fetches()),
      [0, 0],
    );
    assert.ok(blobs[0]);
    assert.equal(sha256(await collect(blobs[0].open({ signal }))), remotes[0]?.descriptor.digest);
    assert.deepEqual(
      remotes.map(({ fetches }) => fetches()),
      [1, 0],
    );
  });

  test("are read once for any number of askers, and give a tree without being unpacked", async (t) => {
    const { store, root } = await storeRig(t);
    const remotes = [remoteLayer(base), remoteLayer(top)];
    const ref = await store.fromImage(remotes, { description: "test" });
    const trees = await Promise.all([1, 2, 3].map(() => ref.tree({ signal })));
    const [tree] = trees;
    assert.ok(tree && trees.every((other) => other === tree));
    assert.deepEqual(paths(tree), ["etc", "etc/name", "etc/new", "hard", "lib", "usr", "usr/lib", "usr/lib/b"]);
    assert.equal(tree.get("hard")?.digest, digestOf("base"));
    assert.deepEqual(
      remotes.map(({ fetches }) => fetches()),
      [1, 1],
    );
    const unpacked = readdirSync(join(root, "refs/layers")).filter((name) =>
      existsSync(join(root, "refs/layers", name, "fs")),
    );
    assert.deepEqual(unpacked, []);
  });

  test("are unpacked into directories that overlayfs shows as the tree says", async (t) => {
    const rig = await storeRig(t);
    const ref = await rig.store.fromImage([remoteLayer(base), remoteLayer(top)], { description: "test" });
    await showing(rig, ref, (mounted) => {
      assert.deepEqual(readdirSync(join(mounted, "usr/lib")), ["b"]);
      assert.equal(lstatSync(join(mounted, "lib")).isSymbolicLink(), true);
      assert.equal(statSync(join(mounted, "usr/lib")).mode & 0o777, 0o711);
      assert.equal(readFileSync(join(mounted, "hard"), "utf8"), "base");
      assert.deepEqual(readdirSync(join(mounted, "etc")).sort(), ["name", "new"]);
    });
    assert.equal(await text(ref, "hard"), "base");
    assert.equal(await text(ref, "usr/lib/b"), "B");
  });

  test("known in a compression that is out of reach are taken in the one that is", async (t) => {
    let rig = await storeRig(t);
    await rig.store.fromImage([remoteLayer(base, "zstd")], { description: "gone" });
    rig = await rig.reopen();
    const ref = await rig.store.fromImage([remoteLayer(base, "gzip")], { description: "here" });
    assert.equal((await ref.tree({ signal })).get("etc/name")?.digest, digestOf("base"));
  });

  test("whose bytes are not what the config says are refused by name", async (t) => {
    const { store } = await storeRig(t);
    const wrong = { ...remoteLayer(base), diffId: digestOf("other") };
    const ref = await store.fromImage([wrong], { description: "test" });
    await assert.rejects(ref.lowerDirs({ signal }), (error) => {
      assert.ok(error instanceof BuildError);
      assert.equal(error.code, "data_loss");
      return error.message.startsWith(`failed to extract layer ${wrong.descriptor.digest}: `);
    });
  });

  test("that are damaged or cut off are refused by name, and leave nothing behind", async (t) => {
    const { store, root } = await storeRig(t);
    for (const [bytes, message] of [
      [tarOf(base).subarray(0, 700), /unexpected EOF/],
      [Buffer.alloc(2048, 7), /invalid tar header/],
    ] as const) {
      const remote = remoteLayer(bytes, "uncompressed");
      const ref = await store.fromImage([remote], { description: "test" });
      await assert.rejects(
        ref.lowerDirs({ signal }),
        (error: Error) => error.message.includes(remote.descriptor.digest) && message.test(error.message),
      );
      await ref.release();
    }
    assert.deepEqual(readdirSync(join(root, "refs/tmp")), []);
  });

  test("are recompressed only by force", async (t) => {
    const { store } = await storeRig(t);
    const remote = remoteLayer(base);
    const ref = await store.fromImage([remote], { description: "test" });
    const [kept] = await ref.blobs({ signal, compression: { type: "zstd" } });
    assert.equal(kept?.descriptor.digest, remote.descriptor.digest);
    const [forced] = await ref.blobs({ signal, compression: { type: "zstd" }, force: true });
    assert.match(forced?.descriptor.mediaType ?? "", /zstd/);
    assert.equal(forced?.diffId, remote.diffId);
    const [plain] = await ref.blobs({ signal, compression: { type: "uncompressed" }, force: true });
    assert.equal(plain?.descriptor.digest, remote.diffId);
  });
});

suite("a written layer", () => {
  test("is packed without unpacking anything, and its files are read from the tar", async (t) => {
    const { store, root } = await storeRig(t);
    const parent = await store.fromImage([remoteLayer(layer([entry("d", undefined, 0o700), entry("d/old", "old")]))], {
      description: "base",
    });
    const { ref, changed } = await store.writeLayer(parent, layer([entry("d/f", "hello")], ["d/old"]), {
      signal,
      description: "COPY",
    });
    assert.deepEqual(changed, []);
    assert.deepEqual(paths(await ref.tree({ signal })), ["d", "d/f"]);
    assert.equal((await ref.tree({ signal })).get("d")?.mode, 0o700, "missing parents look as below");
    assert.equal(await text(ref, "d/f"), "hello");
    const unpacked = readdirSync(join(root, "refs/layers")).filter((name) =>
      existsSync(join(root, "refs/layers", name, "fs")),
    );
    assert.deepEqual(unpacked, []);
  });

  test("is shown by overlayfs with times to the nanosecond", async (t) => {
    const rig = await storeRig(t);
    const exact = { ...entry("f", "hello"), mtimeNsec: 123_456_789 };
    const { ref } = await rig.store.writeLayer(rig.store.scratch(), layer([exact]), { signal, description: "COPY" });
    await showing(rig, ref, (mounted) => {
      assert.equal(readFileSync(join(mounted, "f"), "utf8"), "hello");
      assert.equal(lstatSync(join(mounted, "f"), { bigint: true }).mtimeNs, 1_600_000_000_123_456_789n);
    });
  });

  test("tells of files that are not what was hashed, and records what was read", async (t) => {
    const { store, root } = await storeRig(t);
    const path = join(root, "source");
    writeFileSync(path, "changed since");
    const stale = { ...entry("f", "as hashed"), content: { kind: "range", file: path, offsetBytes: 0 } } as const;
    const { ref, changed } = await store.writeLayer(store.scratch(), layer([stale]), { signal, description: "COPY" });
    assert.deepEqual(changed, ["f"]);
    assert.equal((await ref.tree({ signal })).get("f")?.digest, digestOf("changed since"));
    assert.equal(await text(ref, "f"), "changed since");
  });

  test("with the same contents is the same layer on any parent: one blob, one time", async (t) => {
    const { store } = await storeRig(t);
    const plan = layer([entry("same", "bytes")]);
    const parents = [remoteLayer(layer([entry("a")])), remoteLayer(layer([entry("b")]))];
    const made = await Promise.all(
      parents.map(async (remote) => {
        const parent = await store.fromImage([remote], { description: "base" });
        return (await store.writeLayer(parent, plan, { signal, description: "COPY" })).ref;
      }),
    );
    const blobs = await Promise.all(made.map(async (ref) => (await ref.blobs({ signal, compression: gzip })).at(-1)));
    assert.deepEqual(blobs[0]?.descriptor, blobs[1]?.descriptor);
    assert.deepEqual(blobs[0]?.createdAt, blobs[1]?.createdAt);
    assert.notEqual(made[0]?.id, made[1]?.id);
  });

  test("gives the same blob every time, and a gzip that others can read", async (t) => {
    const first = await storeRig(t);
    const second = await storeRig(t);
    const plan = layer([entry("big", "0123456789".repeat(300_000)), entry("small", "s")]);
    const digests = await Promise.all(
      [first, second].map(async ({ store }) => {
        const { ref } = await store.writeLayer(store.scratch(), plan, { signal, description: "COPY" });
        const [blob] = await ref.blobs({ signal, compression: gzip });
        assert.ok(blob);
        const bytes = await collect(blob.open({ signal }));
        assert.equal(sha256(bytes), blob.descriptor.digest);
        assert.equal(sha256(gunzipSync(bytes)), blob.diffId);
        assert.equal(sha256(execFileSync("gzip", ["-dc"], { input: bytes, maxBuffer: 1e9 })), blob.diffId);
        assert.match(execFileSync("tar", ["-tzf", "-"], { input: bytes, encoding: "utf8" }), /^big\nsmall\n$/);
        return blob.descriptor.digest;
      }),
    );
    assert.equal(digests[0], digests[1]);
  });
});

suite("what a process wrote", () => {
  test("is its upper directory: additions, deletions, replaced directories", async (t) => {
    const rig = await storeRig(t);
    const base = layer([
      entry("d"),
      entry("d/a", "a"),
      entry("d/b", "b"),
      entry("r"),
      entry("r/old", "old"),
      entry("keep", "k"),
    ]);
    const parent = await rig.store.fromImage([remoteLayer(base)], { description: "base" });
    const ref = await runIn(rig, parent, (root) => {
      rmSync(join(root, "d/a"));
      writeFileSync(join(root, "d/b"), "changed");
      rmSync(join(root, "r"), { recursive: true });
      mkdirSync(join(root, "r"));
      writeFileSync(join(root, "r/new"), "new");
      linkSync(join(root, "r/new"), join(root, "hard"));
      mkdirSync(join(root, "made"));
      renameSync(join(root, "made"), join(root, "moved"));
    });
    const tree = await ref.tree({ signal });
    assert.deepEqual(paths(tree), ["d", "d/b", "hard", "keep", "moved", "r", "r/new"]);
    assert.equal(tree.get("r/new")?.hardlink, "hard");
    assert.deepEqual(await digests(ref, "d/b", "r/new", "keep", "d"), [
      digestOf("changed"),
      digestOf("new"),
      digestOf("k"),
      undefined,
    ]);
    assert.equal(await text(ref, "d/b"), "changed");
    const [, own] = await ref.blobs({ signal, compression: gzip });
    assert.ok(own);
    const listing = execFileSync("tar", ["-tzf", "-"], {
      input: await collect(own.open({ signal })),
      encoding: "utf8",
    });
    assert.deepEqual(listing.trim().split("\n"), [
      "d/",
      "d/.wh.a",
      "d/b",
      "hard",
      "moved/",
      "r/",
      "r/.wh..wh..opq",
      "r/new",
    ]);
    await showing(rig, ref, (root) => assert.deepEqual(readdirSync(join(root, "r")), ["new"]));
  });

  test("pushed and pulled again is the same tree", async (t) => {
    const rig = await storeRig(t);
    const parent = await rig.store.fromImage([remoteLayer(layer([entry("d"), entry("d/a", "a"), entry("e", "e")]))], {
      description: "base",
    });
    const ref = await runIn(rig, parent, (root) => {
      rmSync(join(root, "d/a"));
      rmSync(join(root, "e"));
      mkdirSync(join(root, "e"));
      writeFileSync(join(root, "e/f"), "f");
    });
    const blobs = await ref.blobs({ signal, compression: { type: "zstd", level: 1 } });
    const other = await storeRig(t);
    const pulled = await other.store.fromImage(
      blobs.map((blob) => ({
        descriptor: blob.descriptor,
        diffId: blob.diffId,
        fetch: (options: { signal: AbortSignal }) => blob.open(options),
      })),
      { description: "pulled" },
    );
    const strip = async (one: Ref) => {
      const entries = [...(await one.tree({ signal })).walk("")].slice(1);
      const hashed = await one.digests(entries, { signal });
      return entries.map((entry, at) => ({ ...entry, digest: hashed[at], content: 0, mtimeNsec: 0 }));
    };
    assert.deepEqual(await strip(pulled), await strip(ref));
  });

  test("is hashed file by file as digests are asked for, once, even over a restart; names of one file at once", async (t) => {
    let rig = await storeRig(t);
    const parent = rig.store.scratch();
    const ref = await runIn(rig, parent, (root) => {
      for (const name of ["asked", "never", "linked"]) writeFileSync(join(root, name), name);
      linkSync(join(root, "linked"), join(root, "other name"));
    });
    const inTable = async (one: Ref) =>
      [...(await one.tree({ signal })).walk("")].filter(({ digest }) => digest).map(({ path }) => path);
    assert.deepEqual(await inTable(ref), ["linked", "other name"]);
    const want = [digestOf("asked"), digestOf("linked")];
    const both = [digests(ref, "asked", "linked"), digests(ref, "asked", "linked")];
    assert.deepEqual(await Promise.all(both), [want, want]);
    // Nothing changes a layer's directory; here it shows that nobody reads the file again.
    const [directory] = await ref.lowerDirs({ signal });
    writeFileSync(join(directory ?? "", "asked"), "ASKED");
    assert.deepEqual(await digests(ref, "asked", "linked"), want);
    const saved = rig.store.save(ref);
    await ref.release();
    rig = await rig.reopen();
    const loaded = await rig.store.load(saved ?? "");
    assert.ok(loaded);
    assert.deepEqual(await inTable(loaded), ["asked", "linked", "other name"]);
    assert.deepEqual(await digests(loaded, "asked", "never"), [want[0], digestOf("never")]);
    rmSync(join(directory ?? "", "never"));
    assert.deepEqual(await digests(loaded, "never"), [digestOf("never")]);
    await loaded.release();
  });

  test("that lost a file says so when its digest is asked for, and nothing is remembered of it", async (t) => {
    const rig = await storeRig(t);
    const ref = await runIn(rig, rig.store.scratch(), (root) => writeFileSync(join(root, "a"), "a"));
    const [directory] = await ref.lowerDirs({ signal });
    rmSync(join(directory ?? "", "a"));
    await assert.rejects(digests(ref, "a"), { code: "data_loss", message: /has lost "\/a"/ });
    writeFileSync(join(directory ?? "", "a"), "a");
    assert.deepEqual(await digests(ref, "a"), [digestOf("a")]);
    await assert.rejects(
      ref.digests([...(await ref.tree({ signal })).walk("")], { signal: AbortSignal.abort(new Error("enough")) }),
      /enough/,
    );
  });

  test("takes no root from an image, and remembers a change of it", async (t) => {
    const rig = await storeRig(t);
    const parent = await rig.store.fromImage(
      [remoteLayer(layer([{ ...entry("", undefined, 0o711), uid: 7 }, entry("a", "a")]))],
      { description: "base" },
    );
    const same = await runIn(rig, parent, (root) => {
      assert.equal(statSync(root).mode & 0o7777, 0o755);
      assert.equal(statSync(root).uid, 0);
      writeFileSync(join(root, "b"), "b");
    });
    assert.equal((await same.tree({ signal })).get("")?.mode, 0o755);
    const other = await runIn(rig, same, (root) => execFileSync("chmod", ["1700", root]));
    assert.equal((await other.tree({ signal })).get("")?.mode, 0o1700);
  });

  test("may be kept for its holders alone", async (t) => {
    const rig = await storeRig(t);
    const mutable = await rig.store.mutable(rig.store.scratch(), { signal, description: "test" });
    writeFileSync(join(mutable.overlay.upper, "left"), "left");
    const ref = await mutable.commit({ signal, description: "test", untilReleased: true });
    const other = ref.clone();
    await ref.release();
    assert.deepEqual(paths(await other.tree({ signal })), ["left"]);
    const [directory = ""] = await other.lowerDirs({ signal });
    assert.ok(existsSync(directory));
    await other.release();
    assert.equal(existsSync(directory), false);
    assert.deepEqual((await rig.store.usage({ signal })).layers, []);
  });

  test("may be nothing, and may be thrown away", async (t) => {
    const rig = await storeRig(t);
    const nothing = await runIn(rig, rig.store.scratch(), () => undefined);
    assert.equal((await nothing.blobs({ signal, compression: gzip })).length, 1);
    const thrown = await rig.store.mutable(nothing, { signal, description: "test" });
    await thrown.discard();
    await thrown.discard();
    assert.equal(existsSync(thrown.overlay.upper), false);
  });
});

suite("results", () => {
  test("of several stacked are seen together, a layer that comes twice where it comes last", async (t) => {
    const rig = await storeRig(t);
    const { store } = rig;
    const write = async (parent: Ref, ...names: string[]): Promise<Ref> =>
      (await store.writeLayer(parent, layer(names.map((name) => entry(name, name))), { signal, description: "w" })).ref;
    const base = await write(store.scratch(), "base");
    const merged = store.stack([await write(base, "a"), await write(base, "b"), store.scratch()]);
    assert.deepEqual(paths(await merged.tree({ signal })), ["a", "b", "base"]);
    await showing(rig, merged, (root) => assert.deepEqual(readdirSync(root).sort(), ["a", "b", "base"]));
    assert.equal((await merged.blobs({ signal, compression: gzip })).length, 3);
    const above = store.above(await write(base, "x"), base);
    assert.deepEqual(above && paths(await above.tree({ signal })), ["x"]);
    assert.equal(store.above(base, merged), undefined);
  });

  test("in which a layer comes twice can be mounted", async (t) => {
    const rig = await storeRig(t);
    const write = async (parent: Ref, content: string): Promise<Ref> =>
      (await rig.store.writeLayer(parent, layer([entry("file", content)]), { signal, description: "w" })).ref;
    const first = await write(rig.store.scratch(), "one");
    const again = await write(await write(first, "two"), "one");
    assert.equal((await again.blobs({ signal, compression: gzip })).length, 3);
    await showing(rig, again, (root) => assert.equal(readFileSync(join(root, "file"), "utf8"), "one"));
  });

  test("saved are there after a restart, all kinds of them", async (t) => {
    let rig = await storeRig(t);
    const image = remoteLayer(layer([entry("image", "image")]));
    const base = await rig.store.fromImage([image], { description: "base" });
    const written = (
      await rig.store.writeLayer(base, layer([entry("copied", "copied")]), { signal, description: "COPY" })
    ).ref;
    const ran = await runIn(rig, written, (root) => writeFileSync(join(root, "ran"), "ran"));
    const [, , before] = await ran.blobs({ signal, compression: gzip });
    const saved = rig.store.save(ran);
    assert.ok(saved);
    rig = await rig.reopen();
    const loaded = await rig.store.load(saved);
    assert.ok(loaded);
    assert.equal(loaded.id, ran.id);
    assert.deepEqual(paths(await loaded.tree({ signal })), ["copied", "image", "ran"]);
    for (const name of ["copied", "image", "ran"]) assert.equal(await text(loaded, name), name);
    const [, , after] = await loaded.blobs({ signal, compression: gzip });
    assert.deepEqual(after?.descriptor, before?.descriptor);
    assert.deepEqual(after?.createdAt, before?.createdAt);
  });

  test("that lost a part are not there after a restart", async (t) => {
    let rig = await storeRig(t);
    const ref = (
      await rig.store.writeLayer(rig.store.scratch(), layer([entry("f", "f")]), { signal, description: "COPY" })
    ).ref;
    const never = await rig.store.fromImage([remoteLayer(layer([entry("a")]))], { description: "never fetched" });
    const [saved, savedNever] = [rig.store.save(ref), rig.store.save(never)];
    assert.ok(saved && savedNever);
    const [blob] = await ref.blobs({ signal, compression: { type: "uncompressed" } });
    assert.ok(blob);
    await rig.content.remove(blob.descriptor.digest);
    rig = await rig.reopen();
    assert.equal(await rig.store.load(saved), undefined);
    assert.equal(await rig.store.load(savedNever), undefined);
    assert.equal(await rig.store.load("nonsense"), undefined);
  });

  test("of a directory outside are neither saved nor kept", async (t) => {
    const rig = await storeRig(t);
    const toc = layer([entry("f", "f")]);
    const ref = await rig.store.fromDirectory("/nowhere", toc, { description: "context" });
    assert.equal(rig.store.save(ref), undefined);
    await showing(rig, ref, (root) => assert.equal(readFileSync(join(root, "f"), "utf8"), "f"));
    const [directory] = await ref.lowerDirs({ signal });
    const clone = ref.clone();
    await ref.release();
    assert.equal(existsSync(directory ?? ""), true);
    await clone.release();
    assert.equal(existsSync(directory ?? ""), false);
  });
});
