import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { create, fromBinary, type MessageInitShape } from "../base/protobuf/mod.ts";
import { fsutil } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import { lutimes } from "../base/sys/mod.ts";
import {
  directorySource,
  type DirectorySourceOptions,
  metadataFile,
  type ReceivedTree,
  type ReceiveOptions,
  receiveTree,
  sendTree,
  walkTree,
} from "./mod.ts";
import { encodePacket } from "./packets.ts";
import { packetPair } from "./testing/packet-pair.ts";
import { makeRandomTree, makeSocket } from "./testing/random-tree.ts";

function directories(t: TestContext): { from: string; to: string } {
  const dir = mkdtempSync(join(tmpdir(), "filesync-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "from"));
  return { from: join(dir, "from"), to: join(dir, "to") };
}

/** Everything that can be seen of a tree, one line for each entry. */
function describeTree(root: string): string[] {
  return [...walkTree(root)].map((file) => {
    const { ino: _ino, ctimeNs: _ctimeNs, mtimeNs: _mtimeNs, ...seen } = file;
    const bytes = file.type === "file" ? readFileSync(join(root, file.path)).toString("base64").slice(0, 200) : "";
    return JSON.stringify({
      ...seen,
      bytes,
      xattrs: Object.entries(file.xattrs ?? {}).map(([key, value]) => [key, [...value]]),
    });
  });
}

async function transfer(
  from: string,
  to: string,
  options: Partial<ReceiveOptions> = {},
  source: DirectorySourceOptions = {},
): Promise<ReceivedTree> {
  const [sender, receiver] = packetPair();
  const { signal } = new AbortController();
  const sending = sendTree(sender, directorySource(from, source), { signal }).finally(() => sender.end());
  const [received] = await Promise.all([receiveTree(receiver, to, { signal, mode: "mirror", ...options }), sending]);
  return received;
}

suite("a tree that is sent", () => {
  for (let seed = 1; seed <= 12; seed++) {
    test(`arrives as it is (seed ${seed})`, async (t) => {
      const { from, to } = directories(t);
      makeRandomTree(from, seed);
      const first = await transfer(from, to);
      assert.deepEqual(describeTree(to), describeTree(from));
      assert.equal(first.entries, describeTree(from).length);
      const again = await transfer(from, to);
      assert.equal(again.requested, 0, "what has not changed is not asked for");
      assert.deepEqual(describeTree(to), describeTree(from));
    });

    test(`turns another tree into itself (seed ${seed})`, async (t) => {
      const { from, to } = directories(t);
      makeRandomTree(from, seed);
      mkdirSync(to);
      makeRandomTree(to, seed + 100);
      await transfer(from, to);
      assert.deepEqual(describeTree(to), describeTree(from));
    });
  }

  test("changes only what has changed", async (t) => {
    const { from, to } = directories(t);
    for (const name of ["one", "two", "three"]) writeFileSync(join(from, name), name);
    mkdirSync(join(from, "dir"));
    writeFileSync(join(from, "dir/deep"), "deep");
    await transfer(from, to);
    const inodes = new Map([...walkTree(to)].map(({ path, ino }) => [path, ino]));
    writeFileSync(join(from, "two"), "TWO");
    rmSync(join(from, "three"));
    const { requested } = await transfer(from, to);
    assert.equal(requested, 1);
    assert.deepEqual(describeTree(to), describeTree(from));
    const now = new Map([...walkTree(to)].map(({ path, ino }) => [path, ino]));
    assert.equal(now.get("one"), inodes.get("one"));
    assert.equal(now.get("dir/deep"), inodes.get("dir/deep"));
    assert.notEqual(now.get("two"), inodes.get("two"), "a changed file appears by rename");
  });

  test("follows hardlinks whose file is written again", async (t) => {
    const { from, to } = directories(t);
    writeFileSync(join(from, "a"), "1");
    execFileSync("ln", ["a", "b"], { cwd: from });
    execFileSync("ln", ["a", "c"], { cwd: from });
    await transfer(from, to);
    chmodSync(join(from, "a"), 0o600);
    await transfer(from, to);
    assert.deepEqual(describeTree(to), describeTree(from));
    rmSync(join(from, "a"));
    await transfer(from, to);
    assert.deepEqual(describeTree(to), describeTree(from));
    assert.equal(lstatSync(join(to, "b")).ino, lstatSync(join(to, "c")).ino);
  });

  test("with filters is that part of the tree, with the directories above", async (t) => {
    const { from, to } = directories(t);
    mkdirSync(join(from, "src/deep"), { recursive: true });
    mkdirSync(join(from, "node_modules/x"), { recursive: true });
    for (const path of ["src/a.ts", "src/a.log", "src/deep/b.ts", "node_modules/x/y", "README"])
      writeFileSync(join(from, path), path);
    await transfer(from, to, {}, { include: ["src"], exclude: ["**/*.log"] });
    assert.deepEqual(
      [...walkTree(to)].map(({ path }) => path),
      ["src", "src/a.ts", "src/deep", "src/deep/b.ts"],
    );
  });

  test("carries owners as its map says", async (t) => {
    const { from, to } = directories(t);
    writeFileSync(join(from, "f"), "x");
    const uid = process.getuid?.() ?? 0;
    await transfer(
      from,
      to,
      { map: (entry) => ({ ...entry, uid }) },
      { map: (entry) => ({ ...entry, uid: 12_345, gid: lstatSync(from).gid }) },
    );
    assert.equal(lstatSync(join(to, "f")).uid, uid);
  });

  test("has the digests of what was asked for", async (t) => {
    const { from, to } = directories(t);
    writeFileSync(join(from, "f"), "hello");
    const { digests } = await transfer(from, to, { digests: true });
    assert.deepEqual([...digests], [["f", "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"]]);
  });

  test("may be of some entries only, and then says of all what the sender has told", async (t) => {
    const { from, to } = directories(t);
    mkdirSync(join(from, "a/b"), { recursive: true });
    mkdirSync(join(from, "c"));
    writeFileSync(join(from, "a/b/f"), "hello");
    execFileSync("ln", [join(from, "a/b/f"), join(from, "a/g")]);
    execFileSync("ln", [join(from, "a/b/f"), join(from, "c/h")]);
    writeFileSync(join(from, metadataFile), "not taken over");
    const { requested } = await transfer(from, to, { only: (path) => path === "a/g" || path === "c/h" });
    assert.equal(requested, 1);
    const taken = [...walkTree(to)].map(({ path, hardlink }) =>
      hardlink === undefined ? path : `${path} = ${hardlink}`,
    );
    assert.deepEqual(taken, [metadataFile, "a", "a/g", "c", "c/h = a/g"]);
    assert.equal(readFileSync(join(to, "a/g"), "utf8"), "hello");
    const told: string[] = [];
    const log = readFileSync(join(to, metadataFile));
    for (let at = 0; at < log.length; ) {
      const end = at + 4 + log.readUInt32LE(at);
      told.push(fromBinary(fsutil.StatSchema, log.subarray(at + 4, end)).path);
      at = end;
    }
    assert.deepEqual(told, ["a", "a/b", "a/b/f", "a/g", "c", "c/h"]);
  });

  test("merges into what is there and removes nothing", async (t) => {
    const { from, to } = directories(t);
    mkdirSync(join(from, "dir"));
    writeFileSync(join(from, "dir/new"), "new");
    mkdirSync(join(to, "dir"), { recursive: true });
    writeFileSync(join(to, "dir/old"), "old");
    writeFileSync(join(to, "other"), "other");
    await transfer(from, to, { mode: "merge" });
    assert.deepEqual(
      [...walkTree(to)].map(({ path }) => path),
      ["dir", "dir/new", "dir/old", "other"],
    );
  });

  test("replaces types: a directory by a file, a file by a directory, a symlink by either", async (t) => {
    const { from, to } = directories(t);
    const outside = mkdtempSync(join(tmpdir(), "outside-"));
    t.after(() => rmSync(outside, { recursive: true }));
    for (const mode of ["mirror", "merge", "replace"] as const) {
      rmSync(to, { recursive: true, force: true });
      rmSync(from, { recursive: true });
      mkdirSync(join(from, "was-file"), { recursive: true });
      mkdirSync(join(from, "was-link"));
      for (const path of ["was-file/x", "was-link/x", "was-dir", "was-link-too"])
        writeFileSync(join(from, path), "new");
      mkdirSync(join(to, "was-dir/deep"), { recursive: true });
      writeFileSync(join(to, "was-dir/deep/f"), "old");
      writeFileSync(join(to, "was-file"), "old");
      symlinkSync(outside, join(to, "was-link"));
      symlinkSync(join(outside, "file"), join(to, "was-link-too"));
      await transfer(from, to, { mode });
      assert.deepEqual(describeTree(to), describeTree(from), mode);
      assert.deepEqual(readdirSync(outside), [], "nothing went through the links");
    }
  });

  test("may hold a socket, which arrives as an empty file", async (t) => {
    const { from, to } = directories(t);
    await using _socket = await makeSocket(join(from, "s"));
    await transfer(from, to);
    assert.ok(lstatSync(join(to, "s")).isFile());
    assert.equal(lstatSync(join(to, "s")).size, 0);
  });

  test("may lose a file while it is sent, which then arrives empty", async (t) => {
    const { from, to } = directories(t);
    writeFileSync(join(from, "f"), "gone");
    const [sender, receiver] = packetPair();
    const { signal } = new AbortController();
    const source = directorySource(from);
    const entries = [...(source.entries as Iterable<never>)];
    rmSync(join(from, "f"));
    symlinkSync("/etc/passwd", join(from, "f"));
    const sending = sendTree(sender, { ...source, entries }, { signal }).finally(() => sender.end());
    await receiveTree(receiver, to, { signal, mode: "mirror" });
    await sending;
    assert.equal(readFileSync(join(to, "f"), "utf8"), "");
  });

  test("is complete or not there: a transfer that breaks leaves no half file", async (t) => {
    const { from, to } = directories(t);
    writeFileSync(join(from, "whole"), "whole");
    const [sender, receiver] = packetPair();
    const { signal } = new AbortController();
    const broken = {
      entries: [...walkTree(from)].concat({
        ...([...walkTree(from)][0] as never as object),
        path: "z",
        size: 10,
      } as never),
      *read({ path }: { path: string }) {
        yield Buffer.from(path === "z" ? "half" : "whole");
        if (path === "z") throw new Error("disk on fire");
      },
    };
    const sending = sendTree(sender, broken, { signal }).finally(() => sender.end());
    await assert.rejects(receiveTree(receiver, to, { signal, mode: "mirror" }), /error from sender: disk on fire/);
    await assert.rejects(sending, /disk on fire/);
    assert.deepEqual(
      readdirSync(to).filter((name) => name !== "whole"),
      [],
    );
    writeFileSync(join(from, "z"), "0123456789");
    await transfer(from, to);
    assert.deepEqual(describeTree(to), describeTree(from));
  });
});

suite("a hostile sender", () => {
  const stat = (path: string, more: MessageInitShape<typeof fsutil.StatSchema> = {}) =>
    encodePacket({ type: "stat", stat: create(fsutil.StatSchema, { path, mode: 0o644, size: 1n, ...more }) });
  const dir = (path: string) => stat(path, { mode: 0x80000000 + 0o755 });
  const endOfWalk = encodePacket({ type: "end of walk" });
  const cases: Readonly<Record<string, { packets: Uint8Array[]; want: RegExp }>> = {
    "an absolute path": { packets: [stat("/etc/x")], want: /absolute path/ },
    "a path that goes up": { packets: [stat("../x")], want: /escape check/ },
    "a path that goes up in the middle": { packets: [dir("a"), stat("a/../../x")], want: /escape check/ },
    "an unclean path": { packets: [dir("a"), stat("a//b")], want: /unclean/ },
    "the root itself": { packets: [dir("")], want: /unclean/ },
    "a dot": { packets: [dir(".")], want: /unclean/ },
    "a trailing slash": { packets: [dir("a/")], want: /unclean/ },
    "a NUL in a path": { packets: [stat("a\0b")], want: /invalid path/ },
    "a name that is too long": { packets: [stat("x".repeat(256))], want: /name too long/ },
    "a path that is too deep": { packets: [stat("a/".repeat(300) + "b")], want: /too deep/ },
    "a child without its directory": { packets: [stat("a/b")], want: /out of order/ },
    "a child of a file": { packets: [stat("a"), stat("a/b")], want: /out of order/ },
    "a child of a symlink": {
      packets: [stat("a", { mode: 0x08000000 + 0o777, linkname: "/etc" }), stat("a/passwd")],
      want: /out of order/,
    },
    "a name twice": { packets: [stat("a"), stat("a")], want: /out of order/ },
    "names in the wrong order": { packets: [stat("b"), stat("a")], want: /out of order/ },
    "a directory that is entered again": {
      packets: [dir("a"), stat("a/x"), stat("b"), stat("a/y")],
      want: /out of order/,
    },
    "a hardlink to nothing": { packets: [stat("a", { linkname: "nope" })], want: /invalid link/ },
    "a hardlink that leaves the tree": { packets: [stat("a", { linkname: "../../etc/passwd" })], want: /invalid link/ },
    "a hardlink to a symlink": {
      packets: [stat("a", { mode: 0x08000000 + 0o777, linkname: "/etc/passwd" }), stat("b", { linkname: "a" })],
      want: /invalid link/,
    },
    "data that nobody asked for": {
      packets: [encodePacket({ type: "data", id: 7, data: Buffer.from("x") })],
      want: /invalid file request/,
    },
    "data for a file that is complete": {
      packets: [
        stat("a"),
        encodePacket({ type: "data", id: 0, data: new Uint8Array() }),
        encodePacket({ type: "data", id: 0, data: Buffer.from("x") }),
      ],
      want: /invalid file request/,
    },
    "an irregular mode": { packets: [stat("a", { mode: 1 << 19 })], want: /invalid mode/ },
    "a negative size": { packets: [stat("a", { size: -1n })], want: /invalid size/ },
    "two ends of the walk": { packets: [stat("a"), endOfWalk, endOfWalk], want: /ended twice/ },
    "entries after the end of the walk": { packets: [stat("a"), endOfWalk, stat("b")], want: /after the end/ },
    "a request": { packets: [encodePacket({ type: "request", id: 0 })], want: /unexpected packet/ },
    "no packet at all": { packets: [Buffer.from([0xff, 0xff])], want: /malformed packet/ },
    "an end in the middle": { packets: [stat("a")], want: /unexpected EOF/ },
    "more entries than allowed": {
      packets: Array.from({ length: 20 }, (_, i) => stat(`f${i + 10}`)),
      want: /more than 10 entries/,
    },
    "a file that never ends": {
      packets: [
        stat("a"),
        ...Array.from({ length: 70 }, () => encodePacket({ type: "data", id: 0, data: Buffer.alloc(1024 * 1024) })),
      ],
      want: /much larger than the 1 bytes announced/,
    },
    "too many files at once": {
      packets: [
        ...Array.from({ length: 100 }, (_, i) => stat(`f${i + 100}`)),
        ...Array.from({ length: 100 }, (_, id) => encodePacket({ type: "data", id, data: Buffer.from("x") })),
      ],
      want: /too many files/,
    },
  };
  for (const [what, { packets, want }] of Object.entries(cases)) {
    test(`with ${what} is refused`, async (t) => {
      const { to } = directories(t);
      const [sender, receiver] = packetPair();
      for (const packet of packets) await sender.send(packet);
      sender.end();
      const maxEntries = what.startsWith("more entries") ? 10 : 1000;
      const receiving = receiveTree(receiver, to, { signal: new AbortController().signal, mode: "mirror", maxEntries });
      await assert.rejects(receiving, (error) => error instanceof BuildError && want.test(error.message));
      assert.deepEqual(
        readdirSync(to).filter((name) => name.startsWith(".tmp")),
        [],
      );
    });
  }

  test("cannot write through a symlink that appears on the way", async (t) => {
    const { to } = directories(t);
    const outside = mkdtempSync(join(tmpdir(), "outside-"));
    t.after(() => rmSync(outside, { recursive: true }));
    const [sender, receiver] = packetPair();
    const receiving = receiveTree(receiver, to, { signal: new AbortController().signal, mode: "merge" });
    await sender.send(dir("d"));
    while (!existsSync(join(to, "d"))) await new Promise(setImmediate);
    renameSync(join(to, "d"), join(to, "e"));
    symlinkSync(outside, join(to, "d"));
    await sender.send(stat("d/f"));
    await sender.send(encodePacket({ type: "data", id: 1, data: Buffer.from("x") }));
    await sender.send(encodePacket({ type: "data", id: 1, data: new Uint8Array() }));
    await sender.send(endOfWalk);
    sender.end();
    await receiving.catch(() => undefined);
    assert.deepEqual(readdirSync(outside), []);
  });

  test("cannot hand over an overlay's own attributes", async (t) => {
    const { to } = directories(t);
    const [sender, receiver] = packetPair();
    const receiving = receiveTree(receiver, to, { signal: new AbortController().signal, mode: "mirror" });
    const xattrs = {
      "trusted.overlay.opaque": Buffer.from("y"),
      "user.overlay.opaque": Buffer.from("y"),
      "user.fine": Buffer.from("1"),
    };
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    await sender.send(stat("d", { mode: 0x80000000 + 0o755, xattrs, ...owner }));
    await sender.send(endOfWalk);
    await sender.send(encodePacket({ type: "finish" }));
    sender.end();
    await receiving;
    assert.deepEqual(
      [...walkTree(to)].map((file) => Object.keys(file.xattrs ?? {})),
      [["user.fine"]],
    );
  });
});

suite("a hostile receiver", () => {
  const cases: Readonly<Record<string, { packets: Uint8Array[]; want: RegExp }>> = {
    "an unknown id": { packets: [encodePacket({ type: "request", id: 99 })], want: /invalid file id 99/ },
    "the same file twice": {
      packets: [encodePacket({ type: "request", id: 1 }), encodePacket({ type: "request", id: 1 })],
      want: /invalid file id 1/,
    },
    "a directory": { packets: [encodePacket({ type: "request", id: 0 })], want: /invalid file id 0/ },
    data: { packets: [encodePacket({ type: "data", id: 0, data: Buffer.from("x") })], want: /unexpected packet/ },
    "an end in the middle": { packets: [], want: /unexpected EOF/ },
    "an error of its own": {
      packets: [encodePacket({ type: "error", message: "no space" })],
      want: /^error from receiver: no space$/,
    },
  };
  for (const [what, { packets, want }] of Object.entries(cases)) {
    test(`that sends ${what} is refused`, async (t) => {
      const { from } = directories(t);
      mkdirSync(join(from, "d"));
      writeFileSync(join(from, "d/f"), "x");
      const [sender, receiver] = packetPair();
      const sending = sendTree(sender, directorySource(from), { signal: new AbortController().signal });
      sending.catch(() => undefined);
      const seen = receiver.incoming[Symbol.asyncIterator]();
      for (let i = 0; i < 3; i++) await seen.next(); // d, d/f, the end of the walk
      for (const packet of packets) await receiver.send(packet);
      receiver.end();
      await assert.rejects(sending, (error) => error instanceof BuildError && want.test(error.message));
    });
  }
});

suite("interruption", () => {
  test("a sender stops when it is told to", async (t) => {
    const { from } = directories(t);
    writeFileSync(join(from, "f"), "x");
    const controller = new AbortController();
    const [sender] = packetPair();
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(sendTree(sender, directorySource(from), { signal: controller.signal }), reason);
  });

  test("times are exact to the nanosecond, also before 1970", async (t) => {
    const { from, to } = directories(t);
    writeFileSync(join(from, "f"), "x");
    symlinkSync("f", join(from, "l"));
    lutimes(join(from, "f"), { sec: -5, nsec: 123_456_789 });
    lutimes(join(from, "l"), { sec: 1_600_000_000, nsec: 1 });
    await transfer(from, to);
    const times = [...walkTree(to)].map(({ mtimeSec, mtimeNsec }) => [mtimeSec, mtimeNsec]);
    assert.deepEqual(times, [
      [-5, 123_456_789],
      [1_600_000_000, 1],
    ]);
    assert.equal(readlinkSync(join(to, "l")), "f");
  });
});
