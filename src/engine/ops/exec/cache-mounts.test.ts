import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { CacheMounts, type CacheSharing } from "./cache-mounts.ts";

function open(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "caches-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const caches = new CacheMounts(root);
  return (sharing: CacheSharing, options: { name?: string; empty?: boolean; signal?: AbortSignal } = {}) => {
    const { name = "cache", empty = false, signal = new AbortController().signal } = options;
    return caches.acquire({ name, sharing, empty, seed: [] }, { signal });
  };
}

test("what is left in a cache is there for the next step", async (t) => {
  const acquire = open(t);
  const first = await acquire("shared");
  writeFileSync(join(first.path, "file"), "");
  first[Symbol.dispose]();
  using second = await acquire("locked");
  assert.ok(existsSync(join(second.path, "file")));
  using other = await acquire("shared", { name: "other" });
  assert.ok(!existsSync(join(other.path, "file")));
});

test("shared: everybody gets the same directory at once", async (t) => {
  const acquire = open(t);
  using first = await acquire("shared");
  using second = await acquire("shared");
  assert.equal(first.path, second.path);
});

test("private: a directory in use is nobody else's, and is used again afterwards", async (t) => {
  const acquire = open(t);
  const first = await acquire("private");
  using second = await acquire("private");
  using third = await acquire("shared");
  assert.equal(new Set([first.path, second.path, third.path]).size, 3);
  first[Symbol.dispose]();
  using fourth = await acquire("private");
  assert.equal(fourth.path, first.path);
});

test("locked: the next one waits, or gives up when it is cancelled", async (t) => {
  const acquire = open(t);
  const first = await acquire("locked");
  const order: string[] = [];
  const second = acquire("locked").then((mount) => {
    order.push("second");
    return mount;
  });
  const controller = new AbortController();
  const cancelled = acquire("locked", { signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(cancelled, /enough/);
  order.push("first");
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  assert.deepEqual(order, ["first", "second"]);
});

test("a step that is to be done from nothing finds nothing", async (t) => {
  const acquire = open(t);
  const first = await acquire("shared");
  writeFileSync(join(first.path, "file"), "");
  first[Symbol.dispose]();
  using second = await acquire("shared", { empty: true });
  assert.ok(!existsSync(join(second.path, "file")));
});
