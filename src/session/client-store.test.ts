import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { content } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import { openDirectoryStore } from "../content/mod.ts";
import { digestOf } from "../oci/mod.ts";
import { Metadata } from "../rpc/mod.ts";
import { clientStore, contentStores, openSession } from "./mod.ts";
import { openRig } from "./testing/rig.ts";

const { signal } = new AbortController();

async function rig(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), "session-store-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const store = await openDirectoryStore(directory);
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  const engine = undo.use(await openRig());
  const attachables = [contentStores({ "oci:other": store }, { "local:here": store })];
  const session = undo.use(await openSession(engine.channel, { attachables }));
  const caller = await engine.sessions.get(session.id);
  return { directory, store, caller };
}

async function* chunks(...all: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all;
}

test("a blob of any size arrives whole, once", async (t) => {
  const { store, caller } = await rig(t);
  const target = clientStore(caller, "local:here");
  const parts = [Buffer.alloc(3_000_000, "a"), Buffer.alloc(0), Buffer.from("end")];
  const digest = digestOf(Buffer.concat(parts));
  await target.write({ digest, size: 3_000_003 }, chunks(...parts), { signal });
  assert.deepEqual(await store.info(digest), { size: 3_000_003 });
  const never = { [Symbol.asyncIterator]: () => assert.fail("must not be read") };
  await target.write({ digest, size: 3_000_003 }, never, { signal });
  await target.write({ digest: digestOf(""), size: 0 }, chunks(), { signal });
  assert.deepEqual(await store.info(digestOf("")), { size: 0 });
});

test("bytes that are not what was promised are refused, and leave nothing", async (t) => {
  const { store, caller, directory } = await rig(t);
  const target = clientStore(caller, "local:here");
  const digest = digestOf("hello");
  await assert.rejects(target.write({ digest, size: 5 }, chunks(Buffer.from("hellO")), { signal }), {
    code: "failed_precondition",
  });
  await assert.rejects(target.write({ digest, size: 6 }, chunks(Buffer.from("hello")), { signal }), /commit size 5/);
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("hel");
    throw new Error("broken");
  }
  await assert.rejects(target.write({ digest, size: 5 }, broken(), { signal }), /broken/);
  assert.equal(await store.has(digest), false);
  while ((await readdir(join(directory, "ingest"))).length > 0) await new Promise((done) => setTimeout(done, 5));
});

test("only stores that were offered for writing are written to", async (t) => {
  const { caller } = await rig(t);
  const blob = { digest: digestOf("x"), size: 1 };
  for (const name of ["oci:other", "local:there"]) {
    await assert.rejects(clientStore(caller, name).write(blob, chunks(Buffer.from("x")), { signal }), {
      code: "not_found",
    });
  }
});

test("messages out of order are refused", async (t) => {
  const { caller } = await rig(t);
  const { write } = caller.client(content.Content);
  const { WRITE, COMMIT } = content.WriteAction;
  const data = Buffer.from("x");
  const headers = new Metadata({ "buildkit-attachable-store-id": "local:here" });
  const cases = [
    [[{ action: WRITE, data }], "invalid_argument"],
    [[{ action: WRITE, ref: "a", offset: 5n, data }], "out_of_range"],
    [[{ action: COMMIT, ref: "a", total: 5n }], "failed_precondition"],
    [[{ action: COMMIT, ref: "a", expected: "sha256:x" }], "invalid_argument"],
  ] as const;
  for (const [messages, code] of cases) {
    await assert.rejects(
      async () => {
        async function* requests() {
          yield* messages;
        }
        for await (const _ of write(requests(), { headers, signal })) {
          // only the end matters
        }
      },
      (error) => error instanceof BuildError && error.code === code,
      code,
    );
  }
});
