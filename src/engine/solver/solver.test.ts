import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BuildError, findCause } from "../../base/errors/mod.ts";
import { FailedRun } from "./failed-run.ts";
import { eventsOf, gate, Rig, settle, statesOf, textOf, TextResult, type TestVertex } from "./testing/rig.ts";
import { VertexError } from "./vertex-error.ts";

describe("building", () => {
  test("runs inputs before what needs them, each once, and gives the caller a hold of its own", async () => {
    const rig = new Rig();
    const base = rig.vertex("base");
    const left = rig.vertex("left", { inputs: [base] });
    const right = rig.vertex("right", { inputs: [base] });
    assert.equal(await rig.build(rig.vertex("top", { inputs: [left, right] })), "top(left(base()),right(base()))");
    assert.deepEqual(rig.runs, ["base", "left", "right", "top"]);
    await rig.end();
  });

  test("serves every output of a vertex from one run", async () => {
    const rig = new Rig();
    const two = rig.vertex("two", { run: () => ["first", "second"] });
    const top = rig.vertex("top", {
      inputs: [
        { vertex: two, index: 1 },
        { vertex: two, index: 0 },
      ],
    });
    assert.equal(await rig.build(top), "top(second,first)");
    assert.deepEqual(rig.runs, ["two", "top"]);
    await rig.end();
  });

  test("takes a chain of 10,000 vertices without running out of stack", async () => {
    const rig = new Rig();
    let last = rig.vertex("0", { run: () => "end" });
    for (let at = 1; at < 10_000; at++)
      last = rig.vertex(String(at), { inputs: [last], run: ([text]) => text as string });
    assert.equal(await rig.build(last), "end");
    assert.equal(rig.runs.length, 10_000);
    assert.equal(await rig.build(last), "end");
    assert.equal(rig.runs.length, 10_000);
    await rig.end();
  });

  test("answers a graph of 5,000 vertices with one look into the cache", async () => {
    const rig = new Rig();
    const wide = Array.from({ length: 4_999 }, (_, at) => rig.vertex(`leaf ${at}`));
    const top = rig.vertex("top", { inputs: wide });
    await rig.build(top);
    const { loads, stores } = rig.cache;
    const taken = rig.holds.taken;
    assert.match(await rig.build(top), /^top\(leaf 0/);
    assert.equal(rig.cache.loads - loads, 1);
    assert.equal(rig.cache.stores - stores, 0);
    assert.equal(rig.holds.taken - taken, 2); // the job's and the caller's
    assert.equal(rig.maps.length, 2 * 5_000); // each vertex once per job
    await rig.end();
  });

  test("runs no more of a pool at once than it has places, and of others as many as there are", async () => {
    const rig = new Rig({ pools: { exec: 2 } });
    const door = gate();
    let now = 0;
    let most = 0;
    const run = async () => {
      most = Math.max(most, ++now);
      await door.opened;
      now--;
      return "done";
    };
    const workers = Array.from({ length: 6 }, (_, at) => rig.vertex(`worker ${at}`, { pool: "exec", run }));
    const free = rig.vertex("free");
    const build = rig.build(rig.vertex("top", { inputs: [...workers, free] }));
    await settle();
    assert.deepEqual(rig.runs, ["worker 0", "worker 1", "free"]);
    door.open();
    await build;
    assert.equal(most, 2);
    await rig.end();
  });
});

describe("the cache", () => {
  test("a second build runs nothing, whatever solver runs it", async () => {
    const rig = new Rig();
    const graph = (on: Rig) => on.vertex("top", { inputs: [on.vertex("middle", { inputs: [on.vertex("base")] })] });
    await rig.build(graph(rig));
    const again = new Rig({ cache: rig.cache });
    assert.equal(await again.build(graph(again)), "top(middle(base()))");
    assert.deepEqual(again.runs, []);
    await again.end();
    await rig.end();
  });

  test("a change reruns what depends on it and nothing else", async () => {
    const rig = new Rig();
    const base = rig.vertex("base");
    const other = rig.vertex("other");
    await rig.build(rig.vertex("top", { inputs: [rig.vertex("middle", { inputs: [base] }), other] }));
    rig.runs.length = 0;
    const changed = rig.vertex("middle", { key: "middle, changed", inputs: [base] });
    await rig.build(rig.vertex("top", { inputs: [changed, other] }));
    assert.deepEqual(rig.runs, ["middle", "top"]);
    await rig.end();
  });

  test("keeps outputs apart", async () => {
    const rig = new Rig();
    const two = rig.vertex("two", { run: () => ["first", "second"] });
    assert.equal(await rig.build(two, 0), "first");
    assert.equal(await rig.build(two, 1), "second");
    assert.deepEqual(rig.runs, ["two"]);
    await rig.end();
  });

  test("volatile keys, and those made of them, are neither looked up nor stored", async () => {
    const rig = new Rig();
    const top = rig.vertex("top", { inputs: [rig.vertex("local", { volatile: true })] });
    await rig.build(top);
    await rig.build(top);
    assert.deepEqual(rig.runs, ["local", "top", "local", "top"]);
    assert.equal(rig.cache.loads, 0);
    assert.equal(rig.cache.stores, 0);
    await rig.end();
  });

  test("uncacheable results are used, but nothing is stored that was made of them", async () => {
    const rig = new Rig();
    const top = rig.vertex("top", { inputs: [rig.vertex("shaky", { uncacheable: true })] });
    assert.equal(await rig.build(top), "top(shaky())");
    assert.equal(rig.cache.stores, 0);
    await rig.build(top);
    assert.deepEqual(rig.runs, ["shaky", "top", "shaky", "top"]);
    await rig.end();
  });

  test("ignoreCache runs again, and so does what stands on it; later builds find the new results", async () => {
    const rig = new Rig();
    let time = 0;
    const graph = (ignoreCache: boolean) =>
      rig.vertex("top", { inputs: [rig.vertex("date", { ignoreCache, run: () => `date ${++time}` })] });
    assert.equal(await rig.build(graph(false)), "top(date 1)");
    assert.equal(await rig.build(graph(true)), "top(date 2)");
    assert.equal(await rig.build(graph(false)), "top(date 2)");
    assert.deepEqual(rig.runs, ["date", "top", "date", "top"]);
    await rig.end();
  });

  test("in one job, a vertex that may come from the cache is satisfied by its twin that may not", async () => {
    const rig = new Rig();
    const strict = rig.vertex("date", { ignoreCache: true });
    const job = rig.open();
    await textOf(job.build({ vertex: strict, index: 0 }));
    await textOf(job.build({ vertex: rig.vertex("date"), index: 0 }));
    assert.deepEqual(rig.runs, ["date"]);
    await rig.end();
  });

  test("a failure is not remembered", async () => {
    const rig = new Rig();
    let healthy = false;
    const vertex = rig.vertex("moody", {
      run: () => {
        if (!healthy) throw new BuildError("unknown", "not today");
        return "fine";
      },
    });
    await assert.rejects(rig.build(vertex), /not today/);
    healthy = true;
    assert.equal(await rig.build(vertex), "fine");
    await rig.end();
  });
});

describe("keys by content", () => {
  /** FROM base; COPY . .; RUN make — with a context that says `files`, of which COPY sees all but the time. */
  const dockerfile = (rig: Rig, files: string, session: string): TestVertex => {
    const context = rig.vertex(`context of ${session}`, { volatile: true, run: () => files });
    const copy = rig.vertex("COPY . .", {
      inputs: [rig.vertex("base"), context],
      content: [undefined, (text) => text.replace(/ at .*/, "")],
    });
    return rig.vertex("RUN make", { inputs: [copy] });
  };

  test("an unchanged context: RUN after COPY is found without running or loading the COPY", async () => {
    const rig = new Rig();
    await rig.build(dockerfile(rig, "main.c at noon", "first"));
    assert.deepEqual(rig.runs, ["context of first", "base", "COPY . .", "RUN make"]);
    rig.runs.length = 0;
    const loads = rig.cache.loads;
    assert.equal(
      await rig.build(dockerfile(rig, "main.c at six", "second")),
      "RUN make(COPY . .(base(),main.c at noon))",
    );
    assert.deepEqual(rig.runs, ["context of second"]);
    assert.equal(rig.cache.loads - loads, 1); // RUN's
    await rig.end();
  });

  test("a changed context reruns what depends on it", async () => {
    const rig = new Rig();
    await rig.build(dockerfile(rig, "main.c", "first"));
    rig.runs.length = 0;
    await rig.build(dockerfile(rig, "main.c and more", "second"));
    assert.deepEqual(rig.runs, ["context of second", "COPY . .", "RUN make"]);
    await rig.end();
  });

  test("a stage that was made anew with the same content does not spoil what copies from it", async () => {
    const rig = new Rig();
    const graph = (flags: string) => {
      const compile = rig.vertex("RUN cc", { key: `cc ${flags}`, run: () => "binary" });
      return rig.vertex("RUN test", {
        inputs: [rig.vertex("COPY --from", { inputs: [compile], content: [(text) => text] })],
      });
    };
    await rig.build(graph("-g"));
    rig.runs.length = 0;
    await rig.build(graph("-O2"));
    assert.deepEqual(rig.runs, ["RUN cc"]);
    rig.runs.length = 0;
    await rig.build(graph("-O2")); // now known by definition too
    assert.deepEqual(rig.runs, []);
    await rig.end();
  });

  test("below a copy that is known by definition, a changed step does not make the copy's source again", async () => {
    const rig = new Rig();
    const graph = (command: string) => {
      const compile = rig.vertex("RUN cc");
      const copy = rig.vertex("COPY --from", { inputs: [compile], content: [() => "bin"] });
      return rig.vertex("last", { key: command, inputs: [copy] });
    };
    await rig.build(graph("a"));
    const taken = rig.holds.taken;
    rig.runs.length = 0;
    await rig.build(graph("b"));
    assert.deepEqual(rig.runs, ["last"]);
    assert.ok(rig.holds.taken - taken <= 6, "the source of the copy was loaded");
    await rig.end();
  });

  test("without a place to remember content keys the outcome is the same", async () => {
    const rig = new Rig();
    const { cache } = rig;
    const plain = new Rig({
      cache: { load: (key) => cache.load(key), store: (key, result) => cache.store(key, result) },
    });
    await plain.build(dockerfile(plain, "main.c", "first"));
    plain.runs.length = 0;
    await plain.build(dockerfile(plain, "main.c", "second"));
    assert.deepEqual(plain.runs, ["context of second"]);
    await plain.end();
  });

  test("what was copied from a source that changed meanwhile is stored by content only", async () => {
    const rig = new Rig();
    const stage = (text: string) => rig.vertex("shaky", { uncacheable: true, run: () => text });
    const graph = (text: string) =>
      rig.vertex("RUN", { inputs: [rig.vertex("COPY", { inputs: [stage(text)], content: [(seen) => seen] })] });
    await rig.build(graph("one"));
    rig.runs.length = 0;
    assert.equal(await rig.build(graph("two")), "RUN(COPY(two))");
    assert.deepEqual(rig.runs, ["shaky", "COPY", "RUN"]);
    rig.runs.length = 0;
    assert.equal(await rig.build(graph("one")), "RUN(COPY(one))");
    assert.deepEqual(rig.runs, ["shaky"]);
    await rig.end();
  });
});

describe("failures", () => {
  const failing = (rig: Rig, name: string) =>
    rig.vertex(name, {
      locations: [
        {
          filename: "Dockerfile",
          start: { line: 3, character: 0 },
          end: { line: 3, character: 9 },
          text: "FROM scratch\n\nRUN false\n",
        },
      ],
      run: () => {
        throw new BuildError("unknown", "exit code: 1", { details: [{ typeUrl: "own", value: new Uint8Array() }] });
      },
    });

  test("name their vertex and its place, and keep their text", async () => {
    const rig = new Rig();
    const vertex = failing(rig, "RUN false");
    const job = rig.open();
    const error = await rejection(job.build({ vertex: rig.vertex("top", { inputs: [vertex] }), index: 0 }));
    await job.close();
    assert.ok(error instanceof BuildError);
    assert.equal(error.message, "exit code: 1");
    assert.equal(error.location?.start.line, 3);
    assert.deepEqual(
      error.details.map((detail) => detail.typeUrl),
      ["github.com/moby/buildkit/errdefs.Vertex+json", "github.com/moby/buildkit/errdefs.Source+json", "own"],
    );
    const json = error.details.slice(0, 2).map((detail) => JSON.parse(Buffer.from(detail.value).toString()));
    assert.deepEqual(json[0], { digest: vertex.digest });
    assert.deepEqual(json[1], {
      info: { filename: "Dockerfile", data: Buffer.from("FROM scratch\n\nRUN false\n").toString("base64") },
      ranges: [{ start: { line: 3 }, end: { line: 3, character: 9 } }],
    });
    const events = await eventsOf(job);
    assert.deepEqual(statesOf(events, "RUN false"), [
      "announced",
      "started",
      "completed",
      "started",
      "error: exit code: 1",
    ]);
    assert.deepEqual(statesOf(events, "top"), ["announced"]);
    await rig.end();
  });

  test("while working out a key say so, except on the vertex itself", async () => {
    const rig = new Rig();
    const copy = rig.vertex("COPY x /", {
      inputs: [rig.vertex("context")],
      content: [
        () => {
          throw new BuildError("not_found", '"/x": not found');
        },
      ],
    });
    const job = rig.open();
    await assert.rejects(job.build({ vertex: copy, index: 0 }), {
      code: "not_found",
      message: 'failed to compute cache key: "/x": not found',
    });
    await job.close();
    assert.deepEqual(statesOf(await eventsOf(job), "COPY x /"), ["announced", 'error: "/x": not found']);
    await rig.end();
  });

  test("hand what a run has left behind to every job that shared it, until it is closed", async () => {
    const rig = new Rig();
    const { open: fail, opened: failing } = gate();
    const step = rig.vertex("step", {
      inputs: [rig.vertex("base")],
      run: async () => {
        await failing;
        const base = new TextResult("base", rig.holds);
        throw new FailedRun(new BuildError("unknown", "exit code: 1"), {
          inputs: [base, undefined],
          mounts: [new TextResult("written", rig.holds), base],
        });
      },
    });
    const jobs = [rig.open(), rig.open()];
    const building = jobs.map(async (job) => await rejection(job.build({ vertex: step, index: 0 })));
    await settle();
    fail();
    for (const error of await Promise.all(building)) {
      assert.equal(findCause(error, VertexError)?.vertex, step);
      const failed = findCause(error, FailedRun<TextResult>);
      const texts = [failed?.inputs, failed?.mounts].map((results) => results?.map((result) => result?.text));
      assert.deepEqual(texts, [
        ["base", undefined],
        ["written", "base"],
      ]);
      for (const result of failed?.held ?? []) await result.clone().release(); // complains if it is gone
    }
    assert.deepEqual(
      rig.runs.filter((name) => name === "step"),
      ["step"],
    );
    await rig.end();
  });

  test("of a nested build keep their innermost vertex", async () => {
    const rig = new Rig();
    const inner = failing(rig, "inner");
    const job = rig.open();
    const outer = rig.vertex("outer", {
      run: async () => textOf(job.build({ vertex: inner, index: 0 })),
    });
    const error = (await rejection(job.build({ vertex: outer, index: 0 }))) as BuildError;
    const vertices = error.details.filter((detail) => detail.typeUrl.endsWith("Vertex+json"));
    assert.equal(vertices.length, 1);
    assert.deepEqual(JSON.parse(Buffer.from(vertices[0]?.value ?? []).toString()), { digest: inner.digest });
    await rig.end();
  });
});

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail("did not fail");
}
