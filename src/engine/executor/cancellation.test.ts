import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
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
    assert.equal(processesWith(marker(3)).length, 1);
    const next = await openExecutor(options);
    assert.deepEqual(processesWith(marker(3)), []);
    assert.deepEqual(readdirSync(join(root, "executor/bundles")), []);
    assert.equal((await abandoned).code, 137);
    await next[Symbol.asyncDispose]();
    await before[Symbol.asyncDispose]();
    assert.ok(!existsSync("/sys/fs/cgroup/devices/polyarch/abandoned"));
  });
});
