import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { localFiles } from "../api/mod.ts";
import { BuildError, type ErrorCode } from "../base/errors/mod.ts";
import { directorySource, walkTree } from "../filesync/mod.ts";
import { service } from "../rpc/mod.ts";
import { makeRandomTree } from "../filesync/testing/mod.ts";
import {
  type Attachable,
  fileSend,
  fileSync,
  locateDirectory,
  openSession,
  receiveDirectory,
  sendDirectory,
  sendFile,
  type SendTarget,
  type SessionCaller,
  type SharedDirectory,
} from "./mod.ts";
import { openRig } from "./testing/rig.ts";

const { signal } = new AbortController();
const self = { pid: process.pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

function temporary(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "session-files-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A session with these attachables, as the engine has it. */
async function callerWith(attachable: Attachable, peer = self): Promise<{ caller: SessionCaller } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const rig = stack.use(await openRig({ peer }));
  const session = stack.use(await openSession(rig.channel, { attachables: [attachable] }));
  const caller = await rig.sessions.get(session.id);
  const owned = stack.move();
  return { caller, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const hasCode = (code: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BuildError, String(error));
  assert.match(error.message, message);
  assert.equal(error.code, code);
  return true;
};

const pathsOf = (root: string) => [...walkTree(root)].map(({ path }) => path);

suite("a directory that the client shares", () => {
  test("is received as root's, and only what has changed the next time", async (t) => {
    const dir = temporary(t);
    mkdirSync(join(dir, "from"));
    makeRandomTree(join(dir, "from"), 5, { entries: 200 });
    await using s = await callerWith(fileSync({ dirs: { context: { path: join(dir, "from") } } }));
    const target = join(dir, "to");
    const first = await receiveDirectory(s.caller, "context", { target, signal });
    const seen = (root: string) =>
      [...walkTree(root)].map(({ path, type, mode, size, mtimeSec, mtimeNsec, linkname, hardlink }) => ({
        path,
        type,
        mode,
        size,
        mtimeSec,
        mtimeNsec,
        linkname,
        hardlink,
      }));
    assert.deepEqual(seen(target), seen(join(dir, "from")));
    assert.ok([...walkTree(target)].every(({ uid, gid }) => uid === 0 && gid === 0));
    assert.ok(first.requested > 10);
    assert.equal((await receiveDirectory(s.caller, "context", { target, signal })).requested, 0);
  });

  test("large files pass whole", async (t) => {
    const dir = temporary(t);
    mkdirSync(join(dir, "from"));
    const bytes = Buffer.alloc(20 * 1024 * 1024 + 17, "0123456789abcdef!");
    for (const name of ["a", "b", "c"]) writeFileSync(join(dir, "from", name), bytes);
    await using s = await callerWith(fileSync({ dirs: { context: { path: join(dir, "from") } } }));
    await receiveDirectory(s.caller, "context", { target: join(dir, "to"), signal });
    for (const name of ["a", "b", "c"]) assert.ok(readFileSync(join(dir, "to", name)).equals(bytes));
  });

  test("is received in part: includes, excludes, followed links, in any language", async (t) => {
    const dir = temporary(t);
    const from = join(dir, "from");
    for (const path of ["src", "größe +%", "real"]) mkdirSync(join(from, path), { recursive: true });
    for (const path of ["src/a.ts", "src/a.log", "größe +%/x", "größe +%/y.log", "real/f", "other"])
      writeFileSync(join(from, path), path);
    symlinkSync("../real/f", join(from, "src/link"));
    await using s = await callerWith(fileSync({ dirs: { "mein kontext ä": { path: from } } }));
    const receive = async (filter: object) => {
      const target = join(dir, `to${performance.now()}`);
      await receiveDirectory(s.caller, "mein kontext ä", { target, signal, ...filter });
      return pathsOf(target);
    };
    assert.deepEqual(await receive({ include: ["src", "größe +%"], exclude: ["**/*.log", "größe +%/none"] }), [
      "größe +%",
      "größe +%/x",
      "src",
      "src/a.ts",
      "src/link",
    ]);
    assert.deepEqual(await receive({ followPaths: ["src/link"] }), ["real", "real/f", "src", "src/link"]);
    assert.deepEqual(await receive({ include: ["a, b", "other"] }), ["other"]);
    await assert.rejects(receive({ include: ["[a"] }), /invalid includepatterns: .*syntax error in pattern/);
  });

  test("never holds what the client keeps back", async (t) => {
    const dir = temporary(t);
    mkdirSync(join(dir, "from"));
    for (const path of ["secret", "public"]) writeFileSync(join(dir, "from", path), path);
    const shared: SharedDirectory = { path: join(dir, "from"), exclude: ["secret"] };
    await using s = await callerWith(fileSync({ dirs: { context: shared } }));
    await receiveDirectory(s.caller, "context", { target: join(dir, "to"), exclude: ["!secret"], signal });
    assert.deepEqual(pathsOf(join(dir, "to")), ["public"]);
    assert.equal(await locateDirectory(s.caller, "context", { signal }), undefined);
  });

  test("must be one that is shared, and exist", async (t) => {
    const dir = temporary(t);
    await using s = await callerWith(fileSync({ dirs: { gone: { path: join(dir, "gone") } } }));
    const receive = (name: string) => receiveDirectory(s.caller, name, { target: join(dir, "to"), signal });
    await assert.rejects(receive("other"), hasCode("not_found", /^no access allowed to dir "other"$/));
    await assert.rejects(receive("toString"), hasCode("not_found", /^no access allowed to dir "toString"$/));
    await assert.rejects(receive("gone"), hasCode("not_found", /no such file or directory/));
    await using none = await callerWith({ routes: [] });
    await assert.rejects(
      receiveDirectory(none.caller, "context", { target: join(dir, "to"), signal }),
      hasCode("failed_precondition", /^no local sources enabled$/),
    );
  });

  test("stops being received when the engine is told to", async (t) => {
    const dir = temporary(t);
    mkdirSync(join(dir, "from"));
    writeFileSync(join(dir, "from/large"), Buffer.alloc(50 * 1024 * 1024));
    await using s = await callerWith(fileSync({ dirs: { context: { path: join(dir, "from") } } }));
    const controller = new AbortController();
    const reason = new Error("enough");
    const receiving = receiveDirectory(s.caller, "context", {
      target: join(dir, "to"),
      signal: controller.signal,
      onProgress: (bytes) => bytes > 1_000_000 && controller.abort(reason),
    });
    await assert.rejects(receiving, reason);
    assert.deepEqual(readdirSync(join(dir, "to")), [], "no temporary file stays");
  });
});

suite("a directory on the same machine", () => {
  test("is read in place when the client is this user or root", async (t) => {
    const dir = temporary(t);
    const shared = fileSync({ dirs: { context: { path: dir } } });
    await using s = await callerWith(shared);
    assert.equal(await locateDirectory(s.caller, "context", { signal }), dir);
    assert.equal(await locateDirectory(s.caller, "other", { signal }), undefined);
    await using root = await callerWith(shared, { pid: 1, uid: 0, gid: 0 });
    assert.equal(await locateDirectory(root.caller, "context", { signal }), dir);
    await using stranger = await callerWith(shared, { pid: 1, uid: 12_345, gid: 0 });
    assert.equal(await locateDirectory(stranger.caller, "context", { signal }), undefined);
  });

  test("is received when the engine sees another directory at that path", async (t) => {
    const dir = temporary(t);
    const { dev } = statSync(dir, { bigint: true });
    const lying = (path: string, ino: bigint) => ({
      routes: service(localFiles.LocalFiles, { locate: () => ({ path, dev, ino }) }),
    });
    for (const attachable of [lying(dir, 1n), lying("relative", 2n), lying(join(dir, "missing"), 3n)]) {
      await using s = await callerWith(attachable);
      assert.equal(await locateDirectory(s.caller, "context", { signal }), undefined);
    }
  });
});

suite("a result that the engine sends", () => {
  async function* chunks(...texts: string[]) {
    for (const text of texts) yield Buffer.from(text);
  }

  test("reaches the file target of its exporter, with what the exporter says", async () => {
    const got: unknown[] = [];
    const target = (name: string): SendTarget => ({
      type: "file",
      open: async (metadata) => {
        got.push(name, metadata);
        let text = "";
        return {
          write: async (bytes) => {
            text += Buffer.from(bytes).toString();
          },
          close: async () => {
            got.push(text);
          },
          abort: async () => {
            got.push("aborted");
          },
        };
      },
    });
    await using s = await callerWith(fileSend([target("first"), undefined, target("third")]));
    const metadata = { "containerimage.digest": "sha256:1" };
    assert.equal(
      await sendFile(s.caller, chunks("hello ", "", "world"), { exporterIndex: 2, metadata, signal }),
      "sent",
    );
    assert.deepEqual(got, ["third", metadata, "hello world"]);
    await assert.rejects(
      sendFile(s.caller, chunks("x"), { exporterIndex: 1, signal }),
      hasCode("not_found", /^exporter 1 not found$/),
    );
    got.length = 0;
    await assert.rejects(
      sendFile(
        s.caller,
        (async function* () {
          yield Buffer.from("half");
          await new Promise(setImmediate);
          throw new Error("no more");
        })(),
        { exporterIndex: 0, signal },
      ),
      /no more/,
    );
    while (got.length < 3) await new Promise(setImmediate); // the client hears of it a moment later
    assert.deepEqual(got, ["first", {}, "aborted"]);
  });

  test("is not written where the client has it already", async () => {
    await using s = await callerWith(fileSend([{ type: "file", open: async () => undefined }]));
    assert.equal(await sendFile(s.caller, chunks("x"), { exporterIndex: 0, signal }), "exists");
  });

  test("fails when the client cannot write it", async () => {
    const full: SendTarget = {
      type: "file",
      open: async () => ({
        write: () => Promise.reject(new BuildError("resource_exhausted", "no space left on device")),
        close: async () => undefined,
        abort: async () => undefined,
      }),
    };
    await using s = await callerWith(fileSend([full]));
    async function* endless() {
      for (;;) yield Buffer.alloc(1024 * 1024);
    }
    await assert.rejects(
      sendFile(s.caller, endless(), { exporterIndex: 0, signal }),
      hasCode("resource_exhausted", /no space/),
    );
  });

  test("reaches a directory: merged, or in place of what is there", async (t) => {
    const dir = temporary(t);
    for (const path of ["from/sub", "copy", "delete"]) mkdirSync(join(dir, path), { recursive: true });
    writeFileSync(join(dir, "from/sub/new"), "new");
    for (const path of ["copy/old", "delete/old"]) writeFileSync(join(dir, path), "old");
    await using s = await callerWith(
      fileSend([
        { type: "directory", path: join(dir, "copy"), mode: "copy" },
        { type: "directory", path: join(dir, "delete"), mode: "delete" },
      ]),
    );
    const source = () => directorySource(join(dir, "from"), { map: (entry) => ({ ...entry, uid: 4321, gid: 4321 }) });
    await sendDirectory(s.caller, source(), { exporterIndex: 0, signal });
    await sendDirectory(s.caller, source(), { exporterIndex: 1, allPlatforms: true, signal });
    assert.deepEqual(pathsOf(join(dir, "copy")), ["old", "sub", "sub/new"]);
    assert.deepEqual(pathsOf(join(dir, "delete")), ["sub", "sub/new"]);
    assert.equal(statSync(join(dir, "copy/sub/new")).uid, self.uid, "files become the client's");
    await assert.rejects(
      sendDirectory(s.caller, source(), { exporterIndex: 1, signal }),
      /mode=delete requires a BuildKit daemon/,
    );
  });

  test("needs a client that takes results", async () => {
    await using s = await callerWith({ routes: [] });
    await assert.rejects(
      sendFile(s.caller, chunks("x"), { exporterIndex: 0, signal }),
      hasCode("unimplemented", /^method .*FileSend\/DiffCopy not supported by the client$/),
    );
  });
});
