import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test, type TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import { mountTmpfs, unmount } from "../../base/sys/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { digestOf } from "../../oci/mod.ts";
import { decodeToc, encodeToc, type LayerToc } from "../snapshots/mod.ts";
import { gzip, gzipChunkBytes } from "./compression/gzip.ts";
import { hashFiles, openByteWorkers, tocOfDirectory } from "./mod.ts";

const signal = new AbortController().signal;
const bytes = openByteWorkers({ limit: 2 });
after(() => bytes[Symbol.asyncDispose]());

suite("gzip", () => {
  const sizes = [0, 1, gzipChunkBytes - 1, gzipChunkBytes, gzipChunkBytes + 1, 3 * gzipChunkBytes + 5];
  for (const size of sizes) {
    test(`of ${size} bytes is one member that others read, the same for any number in flight`, async () => {
      const data = Buffer.alloc(size, "the quick brown fox, ");
      for (let at = 0; at < size; at += 97) data[at] = at % 251;
      const alone = await compressed(data, 1);
      assert.deepEqual(await compressed(data, 4), alone);
      assert.deepEqual(gunzipSync(alone), data);
      assert.deepEqual(execFileSync("gzip", ["-dc"], { input: alone, maxBuffer: 1e9 }), data);
    });
  }

  test("sees across its pieces", async () => {
    const piece = Buffer.alloc(1000);
    for (let at = 0; at < piece.length; at++) piece[at] = (at * at * 31) % 253;
    const head = Buffer.concat([Buffer.alloc(gzipChunkBytes - 1000), piece]);
    const repeated = await compressed(Buffer.concat([head, piece]), 2);
    const alone = await compressed(head, 2);
    assert.ok(repeated.length - alone.length < 100, "a repetition from the piece before costs next to nothing");
  });

  async function compressed(data: Buffer, inFlight: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let at = 0; at < data.length; at += gzipChunkBytes) chunks.push(data.subarray(at, at + gzipChunkBytes));
    const parts: Uint8Array[] = [];
    for await (const part of gzip({ chunks, release: () => undefined }, { level: 6, inFlight })) parts.push(part);
    return Buffer.concat(parts);
  }
});

suite("files", () => {
  test("are hashed in the order asked, those that are none left out", async (t) => {
    const root = temporary(t);
    const names = Array.from({ length: 600 }, (_, at) => `f${at}`);
    for (const name of names) writeFileSync(join(root, name), name);
    writeFileSync(join(root, "large"), Buffer.alloc(3_000_000, 1));
    mkdirSync(join(root, "dir"));
    symlinkSync("f1", join(root, "link"));
    const got = await hashFiles(bytes, root, [...names, "large", "missing", "link"], { signal });
    assert.deepEqual(
      got.slice(0, 600),
      names.map((name) => ({ digest: digestOf(name), size: name.length })),
    );
    assert.deepEqual(got.slice(600), [
      { digest: digestOf(Buffer.alloc(3_000_000, 1)), size: 3_000_000 },
      undefined,
      undefined,
    ]);
    await assert.rejects(hashFiles(bytes, root, ["dir"], { signal }), /not a regular file/);
  });

  test("that did not change since the last walk are not read again; those that did are", async (t) => {
    const root = temporary(t);
    for (const name of ["same", "touched", "rewritten"]) writeFileSync(join(root, name), `old ${name}`);
    // Files as young as the walk are not trusted, so the first walk must come later than they do.
    await new Promise((resolve) => setTimeout(resolve, 60));
    const first = await tocOfDirectory(bytes, root, { signal });
    utimesSync(join(root, "touched"), 1, 1);
    writeFileSync(join(root, "rewritten"), "new rewritten");
    const forged = Buffer.from(
      Buffer.from(first.index).toString().replace(digestOf("old same"), digestOf("from the index")),
    );
    const second = await tocOfDirectory(bytes, root, { signal, previousIndex: forged });
    const digests = second.toc.entries.map(({ path, digest }) => [path, digest]);
    assert.deepEqual(digests, [
      ["", undefined],
      ["rewritten", digestOf("new rewritten")],
      ["same", digestOf("from the index")],
      ["touched", digestOf("old touched")],
    ]);
    const third = await tocOfDirectory(bytes, root, { signal, previousIndex: Buffer.from("rubbish") });
    assert.equal(third.toc.entries[2]?.digest, digestOf("old same"));
  });
});

suite("a job", () => {
  test("that is cancelled while it runs stops, and the thread serves the next", async (t) => {
    const root = temporary(t);
    writeFileSync(join(root, "huge"), "");
    truncateSync(join(root, "huge"), 200 * 2 ** 30);
    const reason = new Error("enough");
    const controller = new AbortController();
    const waiting = Array.from({ length: 4 }, () => hashFiles(bytes, root, ["huge"], { signal: controller.signal }));
    setTimeout(() => controller.abort(reason), 100);
    for (const result of await Promise.allSettled(waiting)) {
      assert.equal(result.status === "rejected" && result.reason, reason);
    }
    assert.equal((await hashFiles(bytes, root, ["missing"], { signal })).length, 1);
  });

  test("on a full disk says so", async (t) => {
    const root = mkdtempSync(join(tmpdir(), "bytes-full-"));
    mountTmpfs(root, { sizeBytes: 1024 * 1024, mode: 0o755 });
    t.after(() => {
      unmount(root);
      rmdirSync(root);
    });
    const meta = { mode: 0o644, uid: 0, gid: 0, mtimeSec: 0, mtimeNsec: 0 };
    const source = join(temporary(t), "source");
    writeFileSync(source, Buffer.alloc(4_000_000, 7));
    const content = { kind: "range", file: source, offsetBytes: 0 } as const;
    const toc: LayerToc = {
      entries: [{ ...meta, path: "f", type: "file", size: 4_000_000, content }],
      whiteouts: [],
      opaques: [],
    };
    await assert.rejects(
      bytes.run(
        "pack",
        { toc: encodeToc(toc, "full"), codec: { type: "uncompressed" }, file: join(root, "out"), verify: false },
        { signal },
      ),
      (error) =>
        error instanceof BuildError &&
        error.code === "resource_exhausted" &&
        error.message === "write: no space left on device",
    );
  });

  test("keeps the code of a system error", async () => {
    await assert.rejects(bytes.run("scan", { root: "/does/not/exist", kind: "tree" }, { signal }), { code: "ENOENT" });
  });

  test("that brings its thread down fails, and the next one gets a new thread", async () => {
    await using own = openByteWorkers({ limit: 1, entry: new URL("data:text/javascript,process.exit(3)") });
    await assert.rejects(own.run("remove", { path: "/does/not/exist" }, { signal }), /ended with 3/);
    await assert.rejects(own.run("remove", { path: "/does/not/exist" }, { signal }), /ended with 3/);
  });

  test("started after the end is refused, and one under way ends", async (t) => {
    const root = temporary(t);
    writeFileSync(join(root, "huge"), "");
    truncateSync(join(root, "huge"), 200 * 2 ** 30);
    const own = openByteWorkers({ limit: 1 });
    const running = assert.rejects(hashFiles(own, root, ["huge"], { signal }), { code: "unavailable" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await own[Symbol.asyncDispose]();
    await running;
    await assert.rejects(hashFiles(own, root, ["huge"], { signal }), { code: "unavailable" });
  });
});

test("a thread that ends because it was idle takes no work with it", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "bytes-idle-"));
  t.after(() => rmSync(directory, { recursive: true }));
  await using own = openByteWorkers({ limit: 1, idleMs: 1 });
  for (let at = 0; at < 12; at++) {
    const path = join(directory, String(at));
    writeFileSync(path, "");
    await own.run("remove", { path }, { signal });
    // Sometimes before the thread is ended, sometimes after, sometimes while it ends.
    await new Promise((resolve) => setTimeout(resolve, at % 4));
  }
});

test("a file that grows or shrinks while others are packed is packed as it is then", async (t) => {
  const root = temporary(t);
  writeFileSync(join(root, "f"), "longer than before");
  const toc = decodeToc(
    encodeToc(
      {
        entries: [
          {
            path: "f",
            type: "file",
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 3,
            mtimeSec: 0,
            mtimeNsec: 0,
            digest: digestOf("abc"),
            content: { kind: "range", file: join(root, "f"), offsetBytes: 0 },
          },
        ],
        whiteouts: [],
        opaques: [],
      },
      "full",
    ),
  );
  const out = join(root, "out");
  const packed = await bytes.run(
    "pack",
    { toc: encodeToc(toc, "full"), codec: { type: "zstd", level: 3 }, file: out, verify: true },
    { signal },
  );
  assert.deepEqual(packed.verified?.changed, ["f"]);
  assert.equal(decodeToc(packed.verified?.toc ?? new Uint8Array()).entries[0]?.size, 18);
  assert.equal(digestOf(readFileSync(out)), packed.digest);
});

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "bytes-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
