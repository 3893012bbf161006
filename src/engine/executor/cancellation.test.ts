import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openExecutor } from "./mod.ts";
import { processesWith, testsWithBed } from "./testing/mod.ts";

await testsWithBed(import.meta.url, (bed) => {
  /** Seconds to sleep that no other process sleeps: finds ours in the list of processes. */
  const marker = (n: number) => `${process.pid}0${n}`;

  test("an abort kills everything in the container and rejects with its reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const command = `sleep ${marker(0)} & sleep ${marker(0)} & echo ready; trap '' TERM INT; wait`;
    await assert.rejects(
      bed.run(command, { signal: controller.signal, onOutput: () => controller.abort(reason) }),
      reason,
    );
    assert.deepEqual(processesWith(marker(0)), []);
  });

  test("an abort at any moment leaves nothing", async () => {
    for (let afterMs = 0; afterMs < 16; afterMs++) {
      const controller = new AbortController();
      const done = bed.run(`sleep ${marker(1)}`, { signal: controller.signal });
      void delay(afterMs).then(() => controller.abort(new Error("now")));
      await assert.rejects(done, { message: "now" });
      assert.deepEqual(processesWith(marker(1)), []);
    }
  });

  test("an aborted signal starts nothing", async () => {
    await assert.rejects(bed.run("true", { signal: AbortSignal.abort(new Error("never")) }), { message: "never" });
  });

  test("what a process leaves running in the background ends with it", async () => {
    assert.equal((await bed.run(`sleep ${marker(2)} & exit 3`)).code, 3);
    assert.deepEqual(processesWith(marker(2)), []);
  });

  test("containers of an engine that was killed are swept away at the next start", async () => {
    const { spawner } = bed;
    const root = join(bed.directory, "abandoned");
    const options = { root, spawner, path: process.env["PATH"] ?? "" };
    const before = await openExecutor(options);
    const started = Promise.withResolvers<void>();
    const { platform } = (await before.platforms())[0] ?? assert.fail();
    const abandoned = before.run(
      {
        id: `abandoned-${process.pid}`,
        rootfs: bed.lower,
        mounts: [],
        args: ["/bin/sh", "-c", `sleep ${marker(3)} & echo; wait`],
        env: [],
        cwd: "/",
        user: "",
        platform,
        network: "sandbox",
        security: "sandbox",
      },
      { stdout: () => started.resolve(), stderr: () => undefined },
      { signal: new AbortController().signal },
    );
    await started.promise;
    await eventually(() => processesWith(marker(3)).length === 1);
    const next = await openExecutor(options);
    assert.deepEqual(processesWith(marker(3)), []);
    assert.deepEqual(readdirSync(join(root, "executor/bundles")), []);
    assert.equal((await abandoned).code, 137);
    await next[Symbol.asyncDispose]();
    await before[Symbol.asyncDispose]();
  });

  test("when the engine is killed its containers end at once, without a next engine", async () => {
    const root = join(bed.directory, "killed");
    const script = `
      import { startSpawner } from ${JSON.stringify(new URL("../../base/process/mod.ts", import.meta.url).pathname)};
      import { currentPlatform } from ${JSON.stringify(new URL("../../oci/mod.ts", import.meta.url).pathname)};
      import { openExecutor } from ${JSON.stringify(new URL("./mod.ts", import.meta.url).pathname)};
      const executor = await openExecutor({ root: ${JSON.stringify(root)}, spawner: await startSpawner(), path: process.env.PATH });
      await executor.run(
        { id: "killed-${process.pid}", rootfs: ${JSON.stringify(bed.lower)}, mounts: [], args: ["/bin/sh", "-c", "sleep ${marker(4)} & echo ready; wait"],
          env: [], cwd: "/", user: "", platform: currentPlatform(), network: "sandbox", security: "sandbox" },
        { stdout: () => console.log("ready"), stderr: () => undefined },
        { signal: new AbortController().signal },
      );`;
    const node = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", script];
    const engine = spawn("unshare", ["--mount", "--propagation", "private", process.execPath, ...node], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(engine.stdout, "data");
      await eventually(() => processesWith(marker(4)).length === 1);
    } finally {
      engine.kill("SIGKILL");
    }
    await eventually(() => processesWith(marker(4)).length === 0);
    // The next engine finds nothing but empty directories, and takes them away.
    await using _next = await openExecutor({ root, spawner: bed.spawner, path: process.env["PATH"] ?? "" });
    assert.deepEqual(globSync([`/sys/fs/cgroup/**/killed-${process.pid}`, join(root, "executor/bundles/*")]), []);
  });
});

/** Waits for something that another process brings about. */
async function eventually(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 6000 && !condition(); i++) await delay(10);
  assert.ok(condition());
}
