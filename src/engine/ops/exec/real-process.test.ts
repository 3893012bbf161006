import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startSpawner } from "../../../base/process/mod.ts";
import { currentPlatform, digestOf } from "../../../oci/mod.ts";
import { openExecutor } from "../../executor/mod.ts";
import { definesTestsInOwnNamespace, findBusybox } from "../../executor/testing/mod.ts";
import { opsRig } from "../testing/ops-rig.ts";
import { describeEntries, type Spec } from "../testing/trees.ts";

const busybox = findBusybox();
const path = process.env["PATH"] ?? "";

if (busybox === undefined) {
  test("a real process runs in a tree", { skip: "no static busybox can be had here" }, () => undefined);
} else if (definesTestsInOwnNamespace(import.meta.url)) {
  const data = readFileSync(busybox);
  const root: Readonly<Record<string, Spec>> = {
    "bin/busybox": { mode: 0o755, size: data.length, digest: digestOf(data), content: { kind: "bytes", data } },
    ...Object.fromEntries(["sh", "cat", "rm", "id", "false"].map((name) => [`bin/${name}`, "-> busybox"])),
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000:Ada:/home/ada:/bin/sh\n",
    "tmp/": { mode: 0o1777 },
    "gone/file": "",
  };
  const shell = (command: string, user = "") => ({
    args: ["/bin/sh", "-c", command],
    env: [],
    cwd: "/",
    user,
    platform: currentPlatform(),
  });

  test("a real process changes its tree, and only what it changed is in its layer", async (t) => {
    const rig = await opsRig(t, await realExecutor(t));
    const base = rig.tree("busybox", root);
    const { entries, events } = await rig.build(
      base.run(shell("id -u; echo made > /out; rm -r /gone")).run(shell("cat /out; id -u > /tmp/who", "ada")),
    );
    const logs = events.flatMap((event) => (event.type === "log" ? [Buffer.from(event.data).toString()] : [])).join("");
    assert.match(logs, /^0\nmade\n$/);
    const lines = describeEntries(entries);
    assert.ok(lines.includes('out 644 "made\n"'), lines.join("\n"));
    assert.ok(lines.includes('tmp/who 644 1000:1000 "1000\n"'), lines.join("\n"));
    assert.ok(!lines.some((line) => /^(?:gone|proc|sys|dev)/.test(line)), lines.join("\n"));
  });

  test("a real process that fails ends the build", async (t) => {
    const rig = await opsRig(t, await realExecutor(t));
    await assert.rejects(rig.build(rig.tree("busybox", root).run(shell("exit 7"))), {
      message: 'process "/bin/sh -c exit 7" did not complete successfully: exit code: 7',
    });
  });
}

async function realExecutor(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "engine-"));
  const spawner = await startSpawner();
  const executor = await openExecutor({ root: directory, spawner, path });
  t.after(async () => {
    await executor[Symbol.asyncDispose]();
    await spawner[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });
  return executor;
}
