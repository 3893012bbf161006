import assert from "node:assert/strict";
import { existsSync, statfsSync } from "node:fs";
import { rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { must, startEngine } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();
const { base } = house;

/** A disk that is soon full, for an engine's state. */
const disk = await house.directory();
await must("mount", ["-t", "tmpfs", "-o", "size=32m", "tmpfs", disk]);
house.own({ [Symbol.asyncDispose]: async () => void (await must("umount", ["--lazy", disk])) });
const root = join(disk, "root");
const socket = join(await house.directory(), "engine.sock");
const start = () => startEngine(["--root", root, "--addr", `unix://${socket}`]);
let engine = await start();
house.own({ [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() });
await must(house.commandLine([])[0] ?? "", ["create", "--name=small", "--use", "--driver=remote", `unix://${socket}`], {
  env: house.env,
});

const freeBytes = () => {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
};
/** Takes what is left of the disk. */
async function fill(): Promise<void> {
  const path = join(disk, "fill");
  // The engine may still be taking away what nobody needs.
  for (let tries = 0; tries < 100; tries++) {
    await must("sh", ["-c", 'cat /dev/zero >> "$0" 2>/dev/null || true', path]);
    await sleep(50);
    if (freeBytes() === 0) return;
  }
  assert.equal(freeBytes(), 0);
}
const free = () => rm(join(disk, "fill"));

const small = await house.context({ Dockerfile: `FROM ${base}\nARG WORD\nRUN echo $WORD > /word\n` });
let words = 0;
/** Builds what was never built before. */
const buildsSmall = () => house.build(small, [`--build-arg=WORD=${++words}`], { timeoutMs: 180_000 });

const told =
  /^ERROR: .*no space left on device.*: the state directory (\S+) has \d\S*B.* free of 33\.6MB.*: make room, for instance with `polyarch prune --all`/m;

test("a step that fills the engine's disk says so, leaves nothing, and the next build goes on", async () => {
  await buildsSmall();
  const before = freeBytes();
  const inRun = await house.context({ Dockerfile: `FROM ${base}\nRUN dd if=/dev/zero of=/big bs=1M count=100\n` });
  const failedRun = await house.fails(inRun);
  assert.match(failedRun.stderr, told);
  assert.match(failedRun.stderr, /^ERROR: .*did not complete successfully: exit code: 1: no space left on device/m);

  const copied = await house.context({ Dockerfile: `FROM ${base}\nCOPY big /\n`, big: "" });
  await truncate(join(copied, "big"), 100 * 1024 * 1024);
  const failedCopy = await house.fails(copied);
  assert.equal(failedCopy.code, 102, failedCopy.stderr);
  assert.match(failedCopy.stderr, told);
  assert.match(failedCopy.stderr, /now that what this build had begun to write is gone/);

  assert.ok(freeBytes() > before - 1024 * 1024, `${freeBytes()} bytes free, ${before} before`);
  await buildsSmall();
});

test("an engine whose disk is full fails builds, is emptied by prune, and goes on without a restart", async () => {
  const { pid } = engine;
  const kept = await house.context({ Dockerfile: `FROM ${base}\nRUN dd if=/dev/urandom of=/big bs=1M count=8\n` });
  await house.build(kept);
  await fill();
  const failed = await house.fails(small, ["--build-arg=WORD=never"], { timeoutMs: 180_000 });
  assert.match(failed.stderr, told);
  const listed = await house.polyarch(["du"], { timeoutMs: 180_000 });
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, /^Total:/m);
  const pruned = await house.polyarch(["prune", "--all", "--force"], { timeoutMs: 180_000 });
  assert.equal(pruned.code, 0, pruned.stderr);
  assert.ok(freeBytes() > 8 * 1024 * 1024, `${freeBytes()} bytes free`);
  await buildsSmall();
  await free();
  assert.equal(engine.pid, pid);
  assert.ok(existsSync(`/proc/${pid}`));
});

test("an engine starts on a full disk, so that there is somebody to prune", async () => {
  await fill();
  await engine[Symbol.asyncDispose]();
  engine = await start();
  const pruned = await house.polyarch(["prune", "--all", "--force"], { timeoutMs: 180_000 });
  assert.equal(pruned.code, 0, pruned.stderr);
  await free();
  await buildsSmall();
});

test("an engine that finds no room at all says where, and what to do", async () => {
  await engine[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
  await fill();
  await assert.rejects(start(), /polyarchd: .*no space left on device.*the state directory \S+ has 0B/);
  await free();
  engine = await start();
  await buildsSmall();
  await writeFile(join(disk, "fill"), "");
});
