import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventsOf, gate, Rig, settle, statesOf, textOf } from "./testing/rig.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("work under way", () => {
  test("is shared by jobs that want it at the same time, under their own vertices", async () => {
    const rig = new Rig();
    const door = gate();
    const slow = (name: string) =>
      rig.vertex(name, {
        key: "the same",
        run: async (_, { progress }) => {
          progress.log(1, bytes("early"));
          await door.opened;
          progress.log(1, bytes("late"));
          return "made";
        },
      });
    const one = rig.open();
    const two = rig.open();
    const first = textOf(one.build({ vertex: slow("one's"), index: 0 }));
    await settle();
    const second = textOf(two.build({ vertex: slow("two's"), index: 0 }));
    await settle();
    door.open();
    assert.deepEqual(await Promise.all([first, second]), ["made", "made"]);
    assert.deepEqual(rig.runs, ["one's"]);
    await two.close();
    const events = await eventsOf(two);
    assert.deepEqual(statesOf(events, "two's"), ["announced", "started", "completed", "started", "completed"]);
    const logs = events.filter((event) => event.type === "log");
    assert.deepEqual(
      logs.map((log) => new TextDecoder().decode(log.data)),
      ["early", "late"],
    );
    await rig.end();
  });

  test("is shared within one job by vertices of different digests", async () => {
    const rig = new Rig();
    const amd64 = rig.vertex("amd64", { key: "the same" });
    const arm64 = rig.vertex("arm64", { key: "the same" });
    await rig.build(rig.vertex("both", { inputs: [amd64, arm64] }));
    assert.equal(rig.runs.length, 2);
    await rig.end();
  });

  test("goes on when one of two leaves, who hears of it at once, and stops when the other leaves too", async () => {
    const rig = new Rig();
    let stopped: unknown;
    const slow = rig.vertex("slow", {
      run: (_, { signal }) =>
        new Promise<string>((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            stopped = signal.reason;
            reject(signal.reason);
          });
        }),
    });
    const controllers = [new AbortController(), new AbortController()] as const;
    const [one, two] = controllers.map((controller) => rig.open(controller.signal));
    assert.ok(one && two);
    const first = one.build({ vertex: slow, index: 0 });
    const second = two.build({ vertex: slow, index: 0 });
    await settle();
    assert.deepEqual(rig.runs, ["slow"]);
    const reason = new Error("the first is gone");
    controllers[0].abort(reason);
    await assert.rejects(first, reason);
    await one.close();
    assert.equal(stopped, undefined);
    controllers[1].abort(new Error("the second is gone"));
    await assert.rejects(second, /the second is gone/);
    await two.close();
    assert.ok(stopped);
    await rig.end();
  });

  test("keeps its inputs when the job that brought them is closed, and serves the one who stayed", async () => {
    const rig = new Rig();
    const door = gate();
    const base = rig.vertex("base");
    const slow = rig.vertex("slow", {
      inputs: [base],
      run: async ([text]) => {
        await door.opened;
        return `slow ${text}`;
      },
    });
    const one = rig.open();
    const two = rig.open();
    const first = one.build({ vertex: slow, index: 0 });
    await settle();
    const second = textOf(two.build({ vertex: slow, index: 0 }));
    await settle();
    const closed = one.close();
    await assert.rejects(first, /context canceled/);
    await closed;
    door.open();
    assert.equal(await second, "slow base()");
    assert.deepEqual(rig.runs, ["base", "slow"]);
    await rig.end();
  });

  test("delivers its failure to all, and the next build tries again", async () => {
    const rig = new Rig();
    const door = gate();
    const bad = rig.vertex("bad", {
      run: async () => {
        await door.opened;
        throw new Error("broken");
      },
    });
    const builds = [rig.build(bad), rig.build(bad)];
    await settle();
    door.open();
    for (const build of builds) await assert.rejects(build, /broken/);
    assert.deepEqual(rig.runs, ["bad"]);
    await assert.rejects(rig.build(bad), /broken/);
    assert.deepEqual(rig.runs, ["bad", "bad"]);
    await rig.end();
  });

  test("that fails because its owner left is done again by who stayed", async () => {
    const rig = new Rig();
    const door = gate();
    const needy = rig.vertex("needy", {
      run: async (_, { environment }) => {
        if (environment === "job 0") {
          await door.opened;
          throw new Error("session is gone");
        }
        return `by ${environment}`;
      },
    });
    const one = rig.open();
    const two = rig.open();
    const first = one.build({ vertex: needy, index: 0 });
    await settle();
    const second = textOf(two.build({ vertex: needy, index: 0 }));
    await settle();
    const closed = one.close();
    door.open();
    await assert.rejects(first, /context canceled/);
    assert.equal(await second, "by job 1");
    await closed;
    await rig.end();
  });

  test("that was joined by content is found by definition the next time", async () => {
    const rig = new Rig();
    const door = gate();
    const graph = (stage: string) =>
      rig.vertex("copy", {
        inputs: [rig.vertex(stage, { run: () => "same" })],
        content: [(text) => text],
        run: async () => {
          await door.opened;
          return "copied";
        },
      });
    const builds = [rig.build(graph("one")), rig.build(graph("two"))];
    await settle();
    door.open();
    await Promise.all(builds);
    assert.deepEqual(rig.runs, ["one", "two", "copy"]);
    const { loads } = rig.cache;
    await rig.build(graph("one"));
    await rig.build(graph("two"));
    assert.equal(rig.cache.loads - loads, 2);
    await rig.end();
  });

  test("with ignoreCache or a volatile key is not shared between jobs", async () => {
    for (const spec of [{ ignoreCache: true }, { volatile: true }]) {
      const rig = new Rig();
      const door = gate();
      const vertex = rig.vertex("own", {
        ...spec,
        run: async () => {
          await door.opened;
          return "made";
        },
      });
      const builds = [rig.build(vertex), rig.build(vertex)];
      await settle();
      assert.deepEqual(rig.runs, ["own", "own"]);
      door.open();
      await Promise.all(builds);
      await rig.end();
    }
  });
});

describe("closing a job", () => {
  test("waits for what only it wanted, and releases everything", async () => {
    const rig = new Rig();
    const cleaned = gate();
    let ended = false;
    const slow = rig.vertex("slow", {
      inputs: [rig.vertex("base")],
      run: (_, { signal }) =>
        new Promise<string>((_resolve, reject) => {
          const end = () => {
            ended = true;
            reject(signal.reason);
          };
          signal.addEventListener("abort", () => void cleaned.opened.then(end));
        }),
    });
    const job = rig.open();
    const build = job.build({ vertex: slow, index: 0 });
    await settle();
    const closed = job.close();
    await assert.rejects(build, /context canceled/);
    await settle();
    assert.equal(ended, false);
    cleaned.open();
    await closed;
    assert.equal(ended, true);
    await rig.end();
  });

  test("reports what was under way as cancelled and ends every reader's stream", async () => {
    const rig = new Rig();
    const slow = rig.vertex("slow", { run: () => new Promise<string>(() => {}) });
    const controller = new AbortController();
    const job = rig.open(controller.signal);
    const early = eventsOf(job);
    const build = job.build({ vertex: rig.vertex("top", { inputs: [slow] }), index: 0 });
    await settle();
    controller.abort(new Error("stop"));
    await assert.rejects(build, /stop/);
    void job.close(); // never ends: this op does not listen
    const events = await early;
    assert.deepEqual(statesOf(events, "slow").slice(-2), ["started", "error: context canceled"]);
    assert.deepEqual(statesOf(events, "top"), ["announced"]);
    assert.deepEqual(await eventsOf(job), events);
  });

  test("refuses what comes later", async () => {
    const rig = new Rig();
    const job = rig.open();
    await job.close(new Error("over"));
    await assert.rejects(job.build({ vertex: rig.vertex("late"), index: 0 }), /over/);
    assert.deepEqual(rig.runs, []);
    assert.equal(rig.solver.job(job.id), undefined);
    await rig.end();
  });

  test("while a key is worked out lets that finish with a hold of its own", async () => {
    const rig = new Rig();
    const door = gate();
    const base = rig.vertex("base");
    const copy = rig.vertex("copy", { inputs: [base], content: [(text) => text] });
    const { op } = copy;
    const map = op.cacheMap.bind(op);
    op.cacheMap = async (context) => {
      const { digest } = await map(context);
      const contentDigest = async (result: { clone(): { release(): Promise<void> } }) => {
        await door.opened;
        await result.clone().release(); // complains if it was released meanwhile
        return digest;
      };
      return { digest, inputs: [{ contentDigest }] };
    };
    const job = rig.open();
    const build = job.build({ vertex: copy, index: 0 });
    await settle();
    const closed = job.close();
    await assert.rejects(build, /context canceled/);
    await closed;
    door.open();
    await settle();
    assert.deepEqual(rig.runs, ["base"]);
    await rig.end();
  });

  test("at any moment leaks nothing", async () => {
    for (let turns = 0; turns < 120; turns++) {
      const rig = new Rig();
      const base = rig.vertex("base", { run: () => ["one", "two", "three"] });
      const copy = rig.vertex("copy", { inputs: [base], content: [(text) => text] });
      const job = rig.open();
      const build = job.build({
        vertex: rig.vertex("top", { inputs: [copy, { vertex: base, index: 1 }] }),
        index: 0,
      });
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      const closed = job.close();
      await build.then((result) => result.release()).catch(() => undefined);
      await closed;
      await settle();
      await rig.end();
    }
  });

  test("releases results that arrive too late", async () => {
    const rig = new Rig();
    const door = gate();
    const load = rig.cache.load.bind(rig.cache);
    const vertex = rig.vertex("late");
    await rig.build(vertex);
    rig.cache.load = async (key) => {
      await door.opened;
      return await load(key);
    };
    const job = rig.open();
    const build = job.build({ vertex, index: 0 });
    await settle();
    const closed = job.close();
    await assert.rejects(build, /context canceled/);
    await closed;
    door.open();
    await settle();
    await rig.end();
  });
});

describe("status", () => {
  test("a cached vertex and what it stands on count as cached, without having been touched", async () => {
    const rig = new Rig();
    const middle = rig.vertex("middle", { inputs: [rig.vertex("base")] });
    const top = rig.vertex("top", { inputs: [middle] });
    await rig.build(top);
    const job = rig.open();
    await textOf(job.build({ vertex: top, index: 0 }));
    await job.close();
    const events = await eventsOf(job);
    assert.deepEqual(statesOf(events, "top"), ["announced", "cached"]);
    assert.deepEqual(statesOf(events, "middle"), ["announced", "cached"]);
    assert.deepEqual(statesOf(events, "base"), ["announced", "started", "completed"]); // looked at for its key
    const [last] = events.slice(-1);
    assert.ok(last?.type === "vertex" && last.vertex.name === "top");
    assert.deepEqual(last.vertex.started, last.vertex.completed);
    await rig.end();
  });

  test("what was taken for cached and works after all is reported anew", async () => {
    const rig = new Rig();
    const base = rig.vertex("base");
    const middle = rig.vertex("middle", { inputs: [base] });
    await rig.build(rig.vertex("known", { inputs: [middle] }));
    rig.cache.results.delete([...rig.cache.results].find(([, text]) => text === "middle(base())")?.[0] as never);
    const job = rig.open();
    await textOf(job.build({ vertex: rig.vertex("known", { inputs: [middle] }), index: 0 }));
    await textOf(job.build({ vertex: rig.vertex("new", { inputs: [middle] }), index: 0 }));
    await job.close();
    assert.deepEqual(statesOf(await eventsOf(job), "middle"), ["announced", "cached", "started", "completed"]);
    await rig.end();
  });

  test("announces all vertices first, inputs before what needs them", async () => {
    const rig = new Rig();
    const base = rig.vertex("base");
    const job = rig.open();
    const top = rig.vertex("top", {
      inputs: [rig.vertex("left", { inputs: [base] }), rig.vertex("right", { inputs: [base] })],
    });
    await textOf(job.build({ vertex: top, index: 0 }));
    await job.close();
    const names = (await eventsOf(job)).slice(0, 4).map((event) => event.type === "vertex" && event.vertex.name);
    assert.deepEqual(names, ["base", "left", "right", "top"]);
    await rig.end();
  });

  test("carries vertices that are no ops", async () => {
    const rig = new Rig();
    const job = rig.open();
    const exporter = job.progressFor({ digest: rig.vertex("x").digest, name: "exporting to image" });
    exporter.start();
    exporter.status({ id: "exporting layers", current: 1, total: 2 });
    exporter.complete();
    const pushing = job.progressFor({ digest: rig.vertex("y").digest, name: "pushing" });
    pushing.start();
    pushing.error(new Error("denied"));
    await job.close();
    const events = await eventsOf(job);
    assert.deepEqual(statesOf(events, "exporting to image"), ["announced", "started", "completed"]);
    assert.deepEqual(statesOf(events, "pushing"), ["announced", "started", "error: denied"]);
    assert.ok(events.some((event) => event.type === "status" && event.id === "exporting layers" && event.total === 2));
    await rig.end();
  });
});
