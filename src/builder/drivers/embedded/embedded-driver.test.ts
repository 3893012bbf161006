import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { connectNode } from "../../connect-node.ts";
import type { BootEvent, Driver } from "../../driver.ts";
import { embeddedDriver } from "./embedded-driver.ts";
import { enginePaths } from "./paths.ts";

const signal = AbortSignal.timeout(600_000);

/** A driver whose engine is the test's own program; it is stopped when the test ends. */
async function driverOf(
  t: TestContext,
  options: { behaviour?: string; uid?: number; startTimeoutMs?: number } = {},
): Promise<{ driver: Driver; root: string }> {
  const root = await mkdtemp(join(tmpdir(), "polyarch-driver-"));
  const command = join(root, "engine.sh");
  const program = join(import.meta.dirname, "testing/engine.ts");
  await writeFile(
    command,
    `#!/bin/sh\nTEST_ENGINE=${options.behaviour ?? ""} exec ${process.execPath} --disable-warning=ExperimentalWarning ${program} "$@"\n`,
  );
  await chmod(command, 0o755);
  const driver = embeddedDriver({
    paths: enginePaths({ POLYARCH_ROOT: root }, 0),
    command,
    uid: options.uid ?? 0,
    startTimeoutMs: options.startTimeoutMs ?? 20_000,
  });
  t.after(async () => {
    await driver.stop({ signal });
    await rm(root, { recursive: true, force: true });
  });
  return { driver, root };
}

suite("embeddedDriver()", () => {
  test("starts an engine where none answers, and uses the one that does", async (t) => {
    const { driver, root } = await driverOf(t);
    assert.equal(await driver.state({ signal }), "inactive");
    const events: BootEvent["type"][] = [];
    for (let build = 0; build < 2; build++) {
      await using client = await connectNode(driver, { signal, onEvent: ({ type }) => events.push(type) });
      assert.equal((await client.info())?.version, "test");
    }
    assert.deepEqual(events, ["starting", "running"]);
    assert.equal(await driver.state({ signal }), "running");
    assert.match(await readFile(join(root, "starts"), "utf8"), /^\d+ 10m\n$/);
  });
  test("starts one engine for clients that come at the same moment", async (t) => {
    const { driver, root } = await driverOf(t);
    await Promise.all(Array.from({ length: 4 }, () => driver.boot({ signal })));
    assert.equal((await readFile(join(root, "starts"), "utf8")).trim().split("\n").length, 1);
  });
  test("tells what the engine said when it does not come up", async (t) => {
    const { driver } = await driverOf(t, { behaviour: "fail" });
    await assert.rejects(driver.boot({ signal }), (error: Error) => {
      assert.match(error.message, /^could not start the engine \(.*engine\.sh\): it exited with 3\n/);
      assert.match(error.message, /polyarchd\.log:\n {2}cannot mount: permission denied$/);
      return true;
    });
  });
  test("does not wait for ever for an engine that never answers, and ends it", async (t) => {
    const { driver, root } = await driverOf(t, { behaviour: "mute", startTimeoutMs: 6000 });
    await assert.rejects(driver.boot({ signal }), { code: "unavailable", message: /did not answer within 6 s/ });
    const pid = Number((await readFile(join(root, "starts"), "utf8")).split(" ")[0]);
    await waitUntil(() => !existsSync(`/proc/${pid}`));
  });
  test("says when the engine's program is not there", async (t) => {
    const { driver, root } = await driverOf(t);
    await rm(join(root, "engine.sh"));
    await assert.rejects(driver.boot({ signal }), { message: /could not start the engine .*ENOENT/ });
  });
  test("asks people who are not root to use sudo, when nothing runs yet", async (t) => {
    const { driver } = await driverOf(t, { uid: 1000 });
    await assert.rejects(connectNode(driver, { signal }), { code: "permission_denied", message: /sudo/ });
  });
  test("stops the engine, and removes its state only when asked to", async (t) => {
    const { driver, root } = await driverOf(t);
    await driver.boot({ signal });
    await driver.remove({ signal, keepState: true });
    assert.equal(await driver.state({ signal }), "inactive");
    assert.ok(existsSync(root));
    await driver.remove({ signal, keepState: false });
    assert.ok(!existsSync(root));
  });
});

async function waitUntil(holds: () => boolean): Promise<void> {
  while (!holds()) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("enginePaths() keeps engines of different states apart", () => {
  assert.equal(enginePaths({}, 0).socket, "/run/polyarch/polyarchd.sock");
  assert.equal(enginePaths({ XDG_RUNTIME_DIR: "/run/user/5" }, 5).socket, "/run/user/5/polyarch/polyarchd.sock");
  assert.equal(enginePaths({ XDG_RUNTIME_DIR: "/run/user/5" }, 0).socket, "/run/polyarch/polyarchd.sock");
  assert.equal(enginePaths({ POLYARCH_ROOT: "/x" }, 0).socket, "/x/polyarchd.sock");
  assert.equal(enginePaths({ POLYARCH_ROOT: "/x", POLYARCH_SOCKET: "/y.sock" }, 0).socket, "/y.sock");
});
