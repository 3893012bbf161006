/** `POLYARCH_GRAPH_SEEDS=1-500` tries other graphs than those that are always tried. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BuildKitClient, connect, dialAddress } from "../../src/client/mod.ts";
import { marshal, type State } from "../../src/llb/mod.ts";
import { type LabEngine, processTree, startEngine } from "../lab/mod.ts";
import { seeded } from "../../src/engine/frontends/dockerfile/differential/mutate.ts";
import { generatedGraph } from "./generated-graph.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse();
const home = await house.directory();
const root = join(home, "root");
const address = `unix://${join(home, "engine.sock")}`;
const client = house.own(new BuildKitClient(connect({ open: dialAddress(address) })));
let engine: LabEngine;
const start = async () => {
  engine = await startEngine(["--addr", address, "--root", root]);
};
await start();
house.own({ [Symbol.asyncDispose]: async () => await engine[Symbol.asyncDispose]() });
const [native] = (await client.listWorkers())[0]?.platforms ?? [];
const platform = { os: "linux", architecture: native?.Architecture ?? "amd64" };

/** Solves and exports an image, of which the digest tells everything: files, attributes, times, and how they lie in layers. */
async function digestOf(graph: State, signal?: AbortSignal): Promise<string> {
  const Exporters = [{ Type: "image", Attrs: { name: "example.org/generated:latest", "source-date-epoch": "1000" } }];
  const request = { Ref: randomUUID(), Definition: marshal(graph), Exporters };
  const { ExporterResponse } = await client.solve(request, { signal, timeoutMs: 120_000 });
  return ExporterResponse["containerimage.digest"] ?? "";
}

async function prune(): Promise<void> {
  const rules = { filters: [], all: true, keepDurationMs: 0, reservedSpace: 0, maxUsedSpace: 0, minFreeSpace: 0 };
  for await (const _ of client.prune(rules));
}

/** The engine itself, and what it has for all builds. */
const helpers = /polyarchd\.cjs|spawner\.cjs|mount -t binfmt_misc/;

/** What the engine holds besides what it keeps: processes, mounts, temporary files, and what is in use. */
async function held(): Promise<readonly string[]> {
  const mounts = await readFile(`/proc/${engine.pid}/mountinfo`, "utf8");
  const temporary = readdirSync(root, { recursive: true, withFileTypes: true }).filter(
    ({ name, parentPath }) =>
      /^(?:tmp|run|ingest|trash)$/.test(name) && !/\/(?:layers|cache-mounts)\//.test(parentPath),
  );
  return [
    ...processTree(engine.pid).flatMap(({ command }) => (helpers.test(command) ? [] : [`process: ${command}`])),
    ...mounts
      .split("\n")
      .flatMap((line) => line.split(" ")[4] ?? [])
      .filter((path) => path.startsWith(root)),
    ...temporary.flatMap(({ parentPath, name }) =>
      readdirSync(join(parentPath, name)).map((left) => `${name}/${left}`),
    ),
    ...(await client.diskUsage()).filter(({ InUse }) => InUse).map(({ Description }) => `in use: ${Description}`),
  ];
}

async function nothingLeft(): Promise<void> {
  let left: readonly string[] = [];
  for (let tries = 0; tries < 1200; tries++) {
    left = await held().catch((error: unknown) => [String(error)]); // files vanish while they are listed
    if (left.length === 0) return;
    await sleep(50);
  }
  assert.deepEqual(left, []);
}

const [first = 1, last = 3] = (process.env["POLYARCH_GRAPH_SEEDS"] ?? "1-3").split("-").map(Number);
for (let seed = first; seed <= last; seed++) {
  test(`graph ${seed} gives the same digest twice, in parallel, beside cancelled builds and after a crash, and leaves nothing`, async () => {
    const make = () => generatedGraph(seed, { base: house.base, platform, ops: 14 });
    const random = seeded(-seed);
    const want = await digestOf(make());
    assert.match(want, /^sha256:/);
    assert.equal(await digestOf(make()), want, "from cache");
    await nothingLeft();

    await prune();
    const over = new AbortController();
    const cancelled = Array.from({ length: 2 }, () => digestOf(make(), over.signal));
    const whole = [digestOf(make()), digestOf(make())];
    setTimeout(() => over.abort(new Error("no more")), random() * 600);
    await Promise.allSettled(cancelled);
    assert.deepEqual(await Promise.all(whole), [want, want], "in parallel");
    await nothingLeft();

    await prune();
    const dying = digestOf(make()).catch(() => undefined);
    await Promise.race([sleep(random() * 1500), dying]);
    process.kill(engine.pid, "SIGKILL");
    await dying;
    await engine[Symbol.asyncDispose]();
    await start();
    assert.equal(await digestOf(make()), want, "after a crash");
    await nothingLeft();

    await prune();
    assert.deepEqual(
      (await client.diskUsage()).map(({ Description }) => Description),
      [],
    );
  });
}
