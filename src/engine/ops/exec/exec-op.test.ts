import assert from "node:assert/strict";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BuildError } from "../../../base/errors/mod.ts";
import { diff, type ExecMount as RunMount, scratch, type State } from "../../../llb/mod.ts";
import { definesTestsInOwnNamespace } from "../../executor/testing/mod.ts";
import { opsRig, platform } from "../testing/ops-rig.ts";
import { describeEntries } from "../testing/trees.ts";

const shell = { args: ["/bin/sh", "-c", "make"], env: ["A=b"], cwd: "/", platform };
const run = (state: State, mounts: readonly RunMount[] = []) => state.run({ ...shell, mounts });

if (definesTestsInOwnNamespace(import.meta.url)) {
  test("what the process leaves in its root is the result, as one layer", async (t) => {
    const rig = await opsRig(t, ({ rootfs, args, env }) => {
      assert.equal(readFileSync(join(rootfs, "etc/in"), "utf8"), "in");
      assert.deepEqual([args, env], [shell.args, shell.env]);
      writeFileSync(join(rootfs, "out"), "out");
      rmSync(join(rootfs, "gone"));
      return { code: 0 };
    });
    const { entries, layers } = await rig.build(run(rig.tree("base", { "etc/in": "in", gone: "" })));
    assert.deepEqual(describeEntries(entries), ["etc/ 755", 'etc/in 644 "in"', 'out 644 "out"']);
    assert.equal(layers, 2);
  });

  test("a second build runs no process", async (t) => {
    const rig = await opsRig(t);
    const state = run(rig.tree("base", { f: "" }));
    await rig.build(state);
    await rig.build(state);
    assert.equal(rig.processes.length, 1);
  });

  test("a failure says which command, its code, and what the machine-readable code is", async (t) => {
    const rig = await opsRig(t, (_, io) => {
      void io.stderr(Buffer.from("make: *** no rule\n"));
      return { code: 2 };
    });
    const failed = rig.build(run(rig.tree("base", { f: "" })));
    await assert.rejects(failed, (error: BuildError) => {
      assert.equal(error.message, 'process "/bin/sh -c make" did not complete successfully: exit code: 2');
      const exit = error.details.find(({ typeUrl }) => typeUrl.endsWith("gatewayapi.ExitMessage+json"));
      assert.equal(Buffer.from(exit?.value ?? []).toString(), '{"Code":2}');
      return true;
    });
  });

  test("a process that ran out of memory is said to have", async (t) => {
    const rig = await opsRig(t, () => ({ code: 137, oomKilled: true }));
    await assert.rejects(rig.build(run(rig.tree("base", { f: "" }))), /exit code: 137: cannot allocate memory$/);
  });

  test("what the process says is the vertex's log", async (t) => {
    const rig = await opsRig(t, (_, io) => {
      void io.stdout(Buffer.from("hello"));
      void io.stderr(Buffer.from("oops"));
      return {};
    });
    const { events } = await rig.build(run(rig.tree("base", { f: "" })));
    const logs = events.flatMap((event) =>
      event.type === "log" ? [`${event.stream} ${Buffer.from(event.data).toString()}`] : [],
    );
    assert.deepEqual(logs, ["1 hello", "2 oops"]);
  });

  test("other trees can be seen, in part and read-only, or written to without effect", async (t) => {
    const rig = await opsRig(t, ({ mounts }) => {
      const [read, write] = mounts;
      assert.ok(read?.type === "bind" && write?.type === "bind");
      assert.deepEqual([read.target, read.readonly, write.target, write.readonly], ["/read", true, "/write", false]);
      assert.equal(readFileSync(join(read.source, "f"), "utf8"), "part");
      assert.throws(() => writeFileSync(join(read.source, "f"), "x"), { code: "EROFS" });
      writeFileSync(join(write.source, "d/f"), "changed");
      return {};
    });
    const tree = rig.tree("tree", { "d/f": "part", link: "-> d" });
    await rig.build(
      run(rig.tree("base", { f: "" }), [
        { type: "bind", target: "/read", from: tree, selector: "/link", readonly: true },
        { type: "bind", target: "/write", from: tree, readonly: false },
      ]),
    );
    assert.deepEqual(describeEntries((await rig.build(tree)).entries).slice(0, 2), ["d/ 755", 'd/f 644 "part"']);
  });

  test("a step with a bind mount is known by what it can read there", async (t) => {
    const rig = await opsRig(t);
    const step = (session: string, text: string) =>
      run(rig.tree("base", { f: "" }), [
        { type: "bind", target: "/ctx", from: rig.tree(session, { f: text }, { volatile: true }), readonly: true },
      ]);
    await rig.build(step("first", "same"));
    await rig.build(step("second", "same"));
    assert.equal(rig.processes.length, 1);
    await rig.build(step("third", "other"));
    assert.equal(rig.processes.length, 2);
  });

  test("caches keep what steps leave in them, on top of what they start with", async (t) => {
    const seen: boolean[] = [];
    const rig = await opsRig(t, ({ mounts: [cache] }) => {
      assert.ok(cache?.type === "bind");
      assert.equal(readFileSync(join(cache.source, "seed"), "utf8"), "seed");
      seen.push(existsSync(join(cache.source, "left")));
      writeFileSync(join(cache.source, "left"), "");
      return {};
    });
    const from = rig.tree("seed", { "c/seed": "seed" });
    const step = (name: string) =>
      run(rig.tree(name, { name }), [
        { type: "cache", target: "/c", id: "id", sharing: "shared", from, selector: "/c", readonly: false },
      ]);
    await rig.build(step("one"));
    await rig.build(step("two"));
    assert.deepEqual(seen, [false, true]);
  });

  test("a cache without a seed is an empty directory", async (t) => {
    const rig = await opsRig(t, ({ mounts: [cache] }) => {
      assert.ok(cache?.type === "bind" && statSync(cache.source).isDirectory());
      return {};
    });
    const cache = { type: "cache", target: "/c", id: "id", sharing: "locked", readonly: false } as const;
    await rig.build(run(rig.tree("one", { f: "" }), [{ ...cache, from: scratch }]));
  });

  test("a cancelled process leaves neither mount nor directory", async (t) => {
    const controller = new AbortController();
    const started = Promise.withResolvers<void>();
    const rig = await opsRig(t, async (_spec, _io, signal) => {
      started.resolve();
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return {};
    });
    const build = rig.build(run(rig.tree("base", { f: "" })), { signal: controller.signal });
    await started.promise;
    assert.ok(mountsBelow(rig.root).length > 0);
    controller.abort(new BuildError("canceled", "context canceled"));
    await assert.rejects(build, { code: "canceled" });
    assert.deepEqual(mountsBelow(rig.root), []);
  });

  test("what was not granted is refused before anything runs", async (t) => {
    const rig = await opsRig(t);
    const base = rig.tree("base", { f: "" });
    const host = base.run({ ...shell, network: "host" });
    await assert.rejects(rig.build(host), /network\.host is not allowed/);
    await assert.rejects(rig.build(base.run({ ...shell, security: "insecure" })), /security\.insecure is not allowed/);
    await rig.build(host, { entitlements: new Set(["network.host"]) });
    assert.deepEqual(
      rig.processes.map(({ network }) => network),
      ["host"],
    );
  });

  test("on an empty root, too, and a directory for a scratch mount", async (t) => {
    const rig = await opsRig(t, ({ rootfs }) => {
      mkdirSync(join(rootfs, "made"));
      return {};
    });
    assert.deepEqual(describeEntries((await rig.build(run(scratch))).entries), ["made/ 755"]);
  });

  test("what processes wrote is told apart by its bytes, even where only they differ", async (t) => {
    const rig = await opsRig(t, ({ rootfs, args }) => {
      for (const [name, text] of Object.entries({ same: "same", other: args.at(-1) ?? "" })) {
        writeFileSync(join(rootfs, name), text);
        utimesSync(join(rootfs, name), 1_000, 1_000);
      }
      return {};
    });
    const [lower, upper] = ["1", "2"].map((arg) => scratch.run({ ...shell, args: ["make", arg] })) as [State, State];
    assert.deepEqual(describeEntries((await rig.build(diff(lower, upper))).entries), ['other 644 "2"']);
  });

  test("a link whose file was written anew by a later process is copied as what it is", async (t) => {
    const rig = await opsRig(t, ({ rootfs, args }) => {
      writeFileSync(join(rootfs, "d/a"), args.at(-1) ?? "", { flush: true });
      if (args.at(-1) === "old") linkSync(join(rootfs, "d/a"), join(rootfs, "d/b"));
      return {};
    });
    const step = (state: State, text: string) => state.run({ ...shell, args: ["write", text] });
    const made = step(step(rig.tree("base", { "d/": "" }), "old"), "new");
    const copied = scratch.file([{ type: "copy", from: made, source: "/d", destination: "/" }]);
    const { entries } = await rig.build(copied);
    assert.deepEqual(describeEntries(entries), ["d/ 755", 'd/a 644 "new"', 'd/b 644 "old"']);
  });

  test("copying one file of many that a process wrote reads that one alone", async (t) => {
    const rig = await opsRig(t, ({ rootfs }) => {
      for (let at = 0; at < 50; at++) writeFileSync(join(rootfs, `f${at}`), String(at));
      return {};
    });
    const watched = t.mock.method(rig.deps.bytes, "run");
    const copied = scratch.file([{ type: "copy", from: run(scratch), source: "/f7", destination: "/" }]);
    assert.deepEqual(describeEntries((await rig.build(copied)).entries), ['f7 644 "7"']);
    const jobs = watched.mock.calls.map(({ arguments: [name, input] }): unknown[] => [name, input]);
    const hashed = jobs.filter(([name]) => name === "hash").map(([, input]) => input as { paths: readonly string[] });
    assert.deepEqual(
      hashed.map(({ paths }) => paths),
      [["f7"]],
    );
  });
}

function mountsBelow(root: string): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return mounts.flatMap((line) => line.split(" ")[4] ?? []).filter((target) => target.startsWith(root));
}
