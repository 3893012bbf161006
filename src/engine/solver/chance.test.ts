import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig, settle, type TestVertex, textOf } from "./testing/rig.ts";

/** Numbers that look like chance and are the same every time (mulberry32). */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
};

/** A graph in which anything may happen, except that with an even seed all can be cached; `session` is what differs between jobs. */
function randomGraph(rig: Rig, seed: number, session: string): TestVertex {
  const random = chance(seed);
  const vertices: TestVertex[] = [];
  for (let at = 0; at < 12; at++) {
    const inputs = vertices.filter(() => random(3) === 0);
    const isLocal = inputs.length === 0 && random(3) === 0 && seed % 2 === 1;
    const pause = random(5);
    const byContent = inputs.map(() => random(3) === 0);
    const name = isLocal ? `local ${at} of ${session}` : `vertex ${at}`;
    vertices.push(
      rig.vertex(name, {
        inputs,
        volatile: isLocal,
        ignoreCache: random(12) === 0 && seed % 2 === 1,
        ...(random(3) === 0 && { pool: "exec" }),
        content: byContent.map((known) => (known ? (text) => text : undefined)),
        run: async (texts, { signal }) => {
          await turns(pause);
          signal.throwIfAborted();
          return isLocal ? `local ${at}` : `${at}(${texts.join()})`;
        },
      }),
    );
  }
  return rig.vertex("top", { inputs: vertices, run: (texts) => texts.join("\n") });
}

test("whatever the graph and whoever cancels, results are right, none leaks, and what can be cached is", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const rig = new Rig({ pools: { exec: 2 } });
    const random = chance(seed * 1000);
    const want = await new Rig({ pools: { exec: 9 } }).build(randomGraph(new Rig(), seed, "reference"));
    const builds = Array.from({ length: 4 }, async (_, at) => {
      const patience = at === 0 ? Number.POSITIVE_INFINITY : random(150);
      await turns(random(30));
      const controller = new AbortController();
      const job = rig.open(controller.signal);
      const build = textOf(job.build({ vertex: randomGraph(rig, seed, job.id), index: 0 }));
      const patient = turns(Math.min(patience, 1000)).then(() => {
        if (patience < 1000) controller.abort(new Error("no patience"));
      });
      const got = await build.catch((error: Error) => error.message);
      await job.close();
      await patient;
      return got;
    });
    const [first, ...others] = await Promise.all(builds);
    assert.equal(first, want, `seed ${seed}`);
    for (const got of others) assert.ok(got === want || got === "no patience", `seed ${seed}: ${got}`);
    rig.runs.length = 0;
    const again = await rig.build(randomGraph(rig, seed, "again"));
    assert.equal(again, want, `seed ${seed}`);
    if (seed % 2 === 0)
      assert.deepEqual(
        rig.runs.filter((name) => !name.startsWith("local")),
        [],
        `seed ${seed}`,
      );
    await settle();
    await rig.end();
  }
});
