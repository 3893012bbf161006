import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create, type MessageInitShape } from "../../base/protobuf/mod.ts";
import { control } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { collectBytes } from "../../content/mod.ts";
import { parseDigest } from "../../oci/mod.ts";
import { type BuildOutcome, History, type RecordedTrace } from "./mod.ts";

const scratch = await mkdtemp(join(tmpdir(), "polyarch-history-"));
after(() => rm(scratch, { recursive: true, force: true }));
const never = new AbortController().signal;
const { STARTED, COMPLETE, DELETED } = control.BuildHistoryEventType;
const nothing: BuildOutcome = { failure: undefined, exporterResponse: {}, results: new Map(), documents: [] };

/** A history whose clock a test sets. */
async function opened(name: string, limits = { maxAgeMs: 3_600_000, maxEntries: 2 }) {
  const clock = { ms: Date.UTC(2026, 0, 1) };
  const history = await History.open({ directory: join(scratch, name), limits, now: () => new Date(clock.ms) });
  return { history, clock };
}

async function* told(...messages: readonly MessageInitShape<typeof control.StatusResponseSchema>[]) {
  for (const message of messages) yield create(control.StatusResponseSchema, message);
}

const solve = (Ref: string, FrontendAttrs: Record<string, string> = {}) =>
  create(control.SolveRequestSchema, { Ref, Frontend: "dockerfile.v0", FrontendAttrs });

async function record(history: History, ref: string, outcome: Partial<BuildOutcome> = {}, attrs = {}): Promise<void> {
  await history.begin(solve(ref, attrs), told()).end({ ...nothing, ...outcome });
}

async function refs(history: History, request: { Filter?: string[]; Limit?: number } = {}): Promise<readonly string[]> {
  const listed: string[] = [];
  const whole = create(control.BuildHistoryRequestSchema, { ...request, EarlyExit: true });
  for await (const { record } of history.listen(whole, never)) listed.push(record.Ref);
  return listed;
}

suite("History", () => {
  test("counts steps, keeps the log message by message, and knows the error", async () => {
    const { history } = await opened("counts");
    const vertex = (digest: string, more: object) => create(control.VertexSchema, { digest, name: digest, ...more });
    const at = { seconds: 1n, nanos: 0 };
    const recording = history.begin(
      solve("one"),
      told(
        { vertexes: [vertex("a", {}), vertex("b", {})] },
        { vertexes: [vertex("a", { started: at, completed: at, cached: true })] },
        { warnings: [create(control.VertexWarningSchema, { vertex: "a" })] },
      ),
    );
    await recording.end({ ...nothing, failure: new BuildError("canceled", "context canceled") });
    for await (const { type, record } of history.listen(
      create(control.BuildHistoryRequestSchema, { Ref: "one", EarlyExit: true }),
      never,
    )) {
      assert.equal(type, COMPLETE);
      const { numTotalSteps, numCompletedSteps, numCachedSteps, numWarnings, error, logs } = record;
      assert.deepEqual([numTotalSteps, numCompletedSteps, numCachedSteps, numWarnings], [2, 1, 1, 1]);
      assert.deepEqual([error?.code, error?.message], [1, "context canceled"]);
      const blob = history.blobs.read(parseDigest(logs?.digest ?? ""));
      const log = Buffer.from(await collectBytes(blob, { limitBytes: 1e6 }));
      let messages = 0;
      for (let place = 0; place < log.length; place += 4 + log.readUInt32LE(place)) messages++;
      assert.equal(messages, 3);
    }
    assert.deepEqual(await refs(history, { Filter: ["status==canceled"] }), ["one"]);
    assert.deepEqual(await refs(history, { Filter: ["status==error"] }), []);
  });

  test("forgets what is both too old and one too many, but never what is pinned", async () => {
    const { history, clock } = await opened("limits");
    for (const ref of ["a", "b", "c"]) {
      clock.ms += 1000;
      await record(history, ref);
    }
    assert.deepEqual(await refs(history), ["c", "b", "a"]);
    await history.update(create(control.UpdateBuildHistoryRequestSchema, { Ref: "a", Pinned: true }));
    clock.ms += 7_200_000;
    await record(history, "d");
    assert.deepEqual(await refs(history), ["d", "c", "a"]);
  });

  test("filters by time, duration, repository and ref", async () => {
    const { history, clock } = await opened("filters", { maxAgeMs: 1e12, maxEntries: 50 });
    await record(history, "old", {}, { context: "https://example.com/a.git#main" });
    clock.ms += 3_600_000;
    const slow = history.begin(solve("slow", { "vcs:source": "https://example.com/b" }), told());
    clock.ms += 60_000;
    await slow.end(nothing);
    const by = (...Filter: string[]) => refs(history, { Filter });
    assert.deepEqual(await by("startedAt>2h"), ["slow", "old"]);
    assert.deepEqual(await by("startedAt<30m"), ["old"]);
    assert.deepEqual(await by("completedAt>=2026-01-01T00:30:00Z"), ["slow"]);
    assert.deepEqual(await by("duration>30s"), ["slow"]);
    assert.deepEqual(await by("repository==https://example.com/a.git"), ["old"]);
    assert.deepEqual(await by("repository~=example,ref!=old"), ["slow"]);
    assert.deepEqual(await by("ref==old", "ref==slow"), ["slow", "old"]);
    assert.deepEqual(await refs(history, { Limit: 1 }), ["slow"]);
    for (const bad of ["duration>soon", "startedAt==1h", "ref>1", "ref=="]) {
      await assert.rejects(by(bad), /failed to parse history filter/);
    }
  });

  test("tells those who listen of every build that begins, ends and is deleted", async () => {
    const { history } = await opened("listening");
    const leave = new AbortController();
    const events: string[] = [];
    const names: Readonly<Record<number, string>> = {
      [STARTED]: "started",
      [COMPLETE]: "complete",
      [DELETED]: "deleted",
    };
    const begun = history.begin(solve("under way"), told());
    const listening = (async () => {
      for await (const { type, record } of history.listen(create(control.BuildHistoryRequestSchema), leave.signal)) {
        events.push(`${record.Ref} ${names[type]}`);
        if (type === STARTED) await begun.end(nothing);
        else if (type === COMPLETE)
          await history.update(create(control.UpdateBuildHistoryRequestSchema, { Ref: record.Ref, Delete: true }));
        else leave.abort();
      }
    })();
    await listening;
    assert.deepEqual(events, ["under way started", "under way complete", "under way deleted"]);
    await assert.rejects(history.update(create(control.UpdateBuildHistoryRequestSchema, { Ref: "under way" })), {
      code: "not_found",
    });
  });

  test("a build that somebody listens to is deleted when they leave", async () => {
    const { history } = await opened("held");
    await record(history, "held");
    const leave = new AbortController();
    const request = create(control.BuildHistoryRequestSchema, { Ref: "held" });
    const listening = history.listen(request, leave.signal);
    assert.equal((await listening.next()).value?.type, COMPLETE);
    await history.update(create(control.UpdateBuildHistoryRequestSchema, { Ref: "held", Delete: true }));
    assert.deepEqual(await refs(history), []);
    await assert.rejects(history.listen(request, leave.signal).next(), { code: "not_found" });
    assert.notEqual(history.told("held", leave.signal), undefined);
    leave.abort();
    await listening.return(undefined);
    assert.equal(history.told("held", never), undefined);
    await assert.rejects(history.update(create(control.UpdateBuildHistoryRequestSchema, { Ref: "held" })), {
      code: "not_found",
    });
  });

  test("a trace is added some time after its build, or as soon as somebody asks for it", async () => {
    const { history } = await opened("traced");
    const lines = ["before\n"];
    const seen: string[] = [];
    let isOpen = true;
    const trace: RecordedTrace = {
      observe: ({ vertexes }) => seen.push(...vertexes.map(({ digest }) => digest)),
      end: (failure) => lines.push(`${String(failure)}\n`),
      spans: () => lines.map((line) => Buffer.from(line)),
      [Symbol.dispose]: () => {
        isOpen = false;
      },
    };
    const messages = told({ vertexes: [create(control.VertexSchema, { digest: "x" })] });
    await history.begin(solve("one"), messages, trace).end(nothing);
    const stored = async () => {
      const request = create(control.BuildHistoryRequestSchema, { Ref: "one", EarlyExit: true });
      return (await history.listen(request, never).next()).value?.record;
    };
    assert.equal((await stored())?.trace, undefined);
    lines.push("late\n");
    await history.update(create(control.UpdateBuildHistoryRequestSchema, { Ref: "one", Finalize: true }));
    const { trace: descriptor, Generation } = (await stored()) ?? {};
    assert.equal(descriptor?.mediaType, "application/vnd.buildkit.otlp.json.v0");
    const blob = await collectBytes(history.blobs.read(parseDigest(descriptor?.digest ?? "")), { limitBytes: 1e6 });
    assert.equal(Buffer.from(blob).toString(), "before\nundefined\nlate\n");
    assert.deepEqual([seen, isOpen, Generation], [["x"], false, 3]);
    await history.update(create(control.UpdateBuildHistoryRequestSchema, { Ref: "nobody", Finalize: true }));
  });

  test("removes at start what an engine that died has left", async () => {
    const { history } = await opened("crashed");
    await record(history, "kept");
    history.begin(solve("lost"), told({ vertexes: [create(control.VertexSchema, { digest: "x" })] }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await history[Symbol.asyncDispose]();
    const again = await opened("crashed");
    assert.deepEqual(await refs(again.history), ["kept"]);
    assert.equal((await readdir(join(scratch, "crashed/blobs/sha256"))).length, 1);
    await again.history[Symbol.asyncDispose]();
  });

  test("what a build has told stays when the record of one that has told the same goes", async () => {
    const { history } = await opened("same");
    await record(history, "first");
    const second = history.begin(solve("second"), told());
    await sleep(20); // its log is there
    await history.update(create(control.UpdateBuildHistoryRequestSchema, { Ref: "first", Delete: true }));
    await second.end(nothing);
    assert.deepEqual(await Array.fromAsync(history.told("second", never) ?? [undefined]), []);
  });

  test("keeps as many records as it may, and no blob more, whatever ends at once", async () => {
    const { history, clock } = await opened("soak", { maxAgeMs: 0, maxEntries: 5 });
    const failure = new BuildError("invalid_argument", "the same each time");
    const client = async (_: unknown, which: number) => {
      for (let at = 0; at < 25; at++) {
        clock.ms++;
        const message = { statuses: [create(control.VertexStatusSchema, { ID: `${which} ${at}` })] };
        await history.begin(solve(`${which}-${at}`), told(message)).end({ ...nothing, failure });
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    clock.ms++;
    await record(history, "last", { failure });
    const kept = await refs(history);
    assert.equal(kept.length, 5);
    for (const ref of kept) await Array.fromAsync(history.told(ref, never) ?? [undefined]);
    await history[Symbol.asyncDispose]();
    const blobs = await readdir(join(scratch, "soak", "blobs", "sha256"));
    assert.equal(blobs.length, 6, "five logs, one error");
  });
});
