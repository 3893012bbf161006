import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { collectBytes, ContentMismatchError, type Digest, digestOf } from "../oci/mod.ts";
import { openDirectoryStore } from "./directory-store.ts";
import type { ContentStore } from "./store.ts";

async function scratch(t: TestContext): Promise<{ directory: string; store: ContentStore }> {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-content-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return { directory, store: await openDirectoryStore(directory) };
}
const bytes = (text: string) => Buffer.from(text);
const read = async (store: ContentStore, digest: Digest, options?: { offset?: number; length?: number }) =>
  Buffer.from(await collectBytes(store.read(digest, options), { limitBytes: 2 ** 24 })).toString();
const leftovers = (directory: string) => readdir(join(directory, "ingest"));

test("a blob is there once it is committed, and not before", async (t) => {
  const { directory, store } = await scratch(t);
  const digest = digestOf("hello");
  const ingest = await store.ingest();
  await ingest.write(bytes("hel"));
  await ingest.write(bytes("lo"));
  assert.equal(await store.has(digest), false);
  assert.deepEqual(await ingest.commit(), { digest, size: 5 });
  assert.deepEqual(await store.info(digest), { size: 5 });
  assert.equal(await read(store, digest), "hello");
  assert.equal(await readFile(store.path(digest), "utf8"), "hello");
  assert.deepEqual(await leftovers(directory), []);
});

test("many small chunks and a few big ones come out as they went in", async (t) => {
  const { store } = await scratch(t);
  const sizes = [
    ...Array.from({ length: 3000 }, (_, i) => i % 7),
    3_000_000,
    0,
    1,
    1_048_576,
    ...Array.from({ length: 2100 }, () => 600),
    5,
  ];
  const chunks = sizes.map((size, i) => Buffer.alloc(size, `${i},`));
  const ingest = await store.ingest();
  for (const chunk of chunks) await ingest.write(chunk);
  const { digest, size } = await ingest.commit();
  const whole = Buffer.concat(chunks);
  assert.deepEqual({ digest, size }, { digest: digestOf(whole), size: whole.byteLength });
  assert.ok(whole.equals(await readFile(store.path(digest))));
});

test("read() gives ranges, and says when there is no such blob", async (t) => {
  const { store } = await scratch(t);
  const text = "0123456789".repeat(60_000);
  const { digest } = await store.put(bytes(text));
  assert.equal(await read(store, digest), text);
  assert.equal(await read(store, digest, { offset: 599_998 }), "89");
  assert.equal(await read(store, digest, { offset: 11, length: 3 }), "123");
  assert.equal(await read(store, digest, { offset: 600_000 }), "");
  await assert.rejects(read(store, digestOf("other")), { code: "not_found" });
});

test("read() that lends fills the same memory again and again", async (t) => {
  const { store } = await scratch(t);
  const whole = Buffer.alloc(700_000).map((_, at) => at % 251);
  const { digest } = await store.put(whole);
  const copies: Buffer[] = [];
  const memory = new Set<ArrayBufferLike>();
  for await (const chunk of store.read(digest, { lend: true, offset: 1 })) {
    copies.push(Buffer.from(chunk));
    memory.add(chunk.buffer);
  }
  assert.ok(Buffer.concat(copies).equals(whole.subarray(1)));
  assert.equal(memory.size, 1);
});

test("bytes that are not what was expected are not stored", async (t) => {
  const { directory, store } = await scratch(t);
  const digest = digestOf("hello");
  for (const [text, size, message] of [
    ["hellO", 5, /unexpected digest/],
    ["hello!", 5, /unexpected size 6, expected 5/],
  ] as const) {
    const ingest = await store.ingest({ expected: { digest, size } });
    await ingest.write(bytes(text));
    await assert.rejects(
      ingest.commit(),
      (error) => error instanceof ContentMismatchError && message.test(error.message),
    );
  }
  assert.equal(await store.has(digest), false);
  assert.deepEqual(await leftovers(directory), []);
});

test("what is aborted, or left by an error, leaves nothing", async (t) => {
  const { directory, store } = await scratch(t);
  const ingest = await store.ingest();
  await ingest.write(bytes("x"));
  await ingest.abort();
  await ingest.abort();
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield bytes("x");
    throw new Error("broken");
  }
  await assert.rejects(store.put(broken()), /broken/);
  const cancelled = new AbortController();
  const late = await store.ingest({ signal: cancelled.signal });
  cancelled.abort(new Error("enough"));
  await assert.rejects(late.write(bytes("x")), /enough/);
  await assert.rejects(late.commit(), /enough/);
  assert.deepEqual(await leftovers(directory), []);
});

test("a file that another thread wrote is taken by its path", async (t) => {
  const { directory, store } = await scratch(t);
  const digest = digestOf("written elsewhere");
  const ingest = await store.ingest();
  await writeFile(ingest.path, "written elsewhere");
  await assert.rejects((await store.ingest()).commit({ digest, size: 17 }), /unexpected size 0, expected 17/);
  assert.deepEqual(await ingest.commit({ digest, size: 17 }), { digest, size: 17 });
  assert.equal(await read(store, digest), "written elsewhere");

  const loose = join(directory, "ingest", "loose");
  await writeFile(loose, "adopted");
  await assert.rejects(store.adopt(loose, digestOf("adopted"), 8), ContentMismatchError);
  await store.adopt(loose, digestOf("adopted"), 7);
  assert.equal(await read(store, digestOf("adopted")), "adopted");
});

test("empty blobs are blobs", async (t) => {
  const { store } = await scratch(t);
  const ingest = await store.ingest();
  assert.deepEqual(await ingest.commit({ digest: digestOf(""), size: 0 }), { digest: digestOf(""), size: 0 });
  assert.equal(await read(store, digestOf("")), "");
  await assert.rejects((await store.ingest()).commit({ digest: digestOf("x"), size: 0 }), ContentMismatchError);
});

test("put() of what is here already reads nothing", async (t) => {
  const { store } = await scratch(t);
  const expected = await store.put(bytes("once"));
  const never: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => assert.fail("must not be read") };
  assert.deepEqual(await store.put(never, expected), expected);
});

test("two that take in the same blob at once both succeed", async (t) => {
  const { directory, store } = await scratch(t);
  const other = await openDirectoryStore(directory);
  const [one, two] = [await store.ingest(), await other.ingest()];
  await Promise.all([one.write(bytes("same")), two.write(bytes("same"))]);
  assert.deepEqual(await Promise.all([one.commit(), two.commit()]), [
    { digest: digestOf("same"), size: 4 },
    { digest: digestOf("same"), size: 4 },
  ]);
  assert.equal(await read(store, digestOf("same")), "same");
});

test("opening sweeps what a killed process left, and nothing that a living one is writing", async (t) => {
  const { directory, store } = await scratch(t);
  const living = await store.ingest();
  await living.write(bytes("alive"));
  const script = `
    const { openDirectoryStore } = await import(${JSON.stringify(new URL("./mod.ts", import.meta.url).href)});
    const ingest = await (await openDirectoryStore(${JSON.stringify(directory)})).ingest();
    await ingest.write(Buffer.from("half"));
    process.kill(process.pid, "SIGKILL");`;
  const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" });
  assert.equal(signal, "SIGKILL");
  assert.equal((await leftovers(directory)).length, 2);
  await openDirectoryStore(directory);
  assert.equal((await leftovers(directory)).length, 1);
  assert.equal((await living.commit()).digest, digestOf("alive"));
});

test("list() and remove() see every blob, and a reader keeps what it has opened", async (t) => {
  const { store } = await scratch(t);
  const [a, b] = [await store.put(bytes("a".repeat(600_000))), await store.put(bytes("b"))];
  const reading = store.read(a.digest)[Symbol.asyncIterator]();
  let size = (await reading.next()).value?.byteLength ?? 0;
  await store.remove(a.digest);
  await store.remove(a.digest);
  for (let next = await reading.next(); !next.done; next = await reading.next()) size += next.value.byteLength;
  assert.equal(size, 600_000);
  const listed = [];
  for await (const blob of store.list()) listed.push(blob);
  assert.deepEqual(listed, [b]);
});
