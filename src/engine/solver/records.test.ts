import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Digest } from "../../oci/mod.ts";
import type { CacheRecord, CacheSource } from "./op.ts";
import { Rig, TextResult, type TestVertex, textOf } from "./testing/rig.ts";

type Records = readonly CacheRecord<TextResult, string>[];

/** A client's directory, what a stage makes of it, and what the final stage takes of that. */
function graph(rig: Rig, said: string): { readonly context: TestVertex; readonly final: TestVertex } {
  const context = rig.vertex("context", { volatile: true, run: () => said });
  const copy = rig.vertex("copy", { inputs: [context], content: [(text) => text], run: ([text]) => text ?? "" });
  const made = rig.vertex("made", { inputs: [copy], run: ([text]) => `made of ${text}` });
  const final = rig.vertex("final", { inputs: [made], content: [(text) => text], run: ([text]) => `final: ${text}` });
  return { context, final };
}

/** What another solver would read of records that were written down. */
function sourceOf(records: Records, rig: Rig): CacheSource<TextResult> {
  const texts = new Map<Digest, string>();
  const contentKeys = new Map<Digest, Digest>();
  for (const { results, content } of records) {
    for (const { keys, result } of results) for (const key of keys) texts.set(key, result.text);
    for (const name of content?.names ?? []) if (content) contentKeys.set(name, content.key);
  }
  return {
    name: "elsewhere",
    load: async (key) => {
      const text = texts.get(key);
      return text === undefined ? undefined : new TextResult(text, rig.holds);
    },
    loadContentKey: async (key) => contentKeys.get(key),
  };
}

const only = (records: Records, ...names: string[]) => records.filter(({ vertex }) => names.includes(vertex.name));

async function recordsOf(rig: Rig, vertex: TestVertex): Promise<Records> {
  const job = rig.open();
  await textOf(job.build({ vertex, index: 0 }));
  const records = await job.records([{ vertex, index: 0 }]);
  // What they hold goes with the job.
  const kept = records.map((record) => ({
    ...record,
    results: record.results.map(({ keys, result }) => ({ keys, result: result.clone() })),
  }));
  await job.close();
  return kept;
}

async function release(records: Records): Promise<void> {
  for (const { results } of records) for (const { result } of results) await result.release();
}

describe("what a job knows of its vertices", () => {
  test("serves a solver that knows nothing: only what means nothing elsewhere is done again", async () => {
    const rig = new Rig();
    const records = await recordsOf(rig, graph(rig, "word").final);
    assert.deepEqual(
      records.map(({ vertex, results }) => [vertex.name, results.length]),
      [
        ["context", 0],
        ["copy", 1],
        ["made", 1],
        ["final", 1],
      ], // prettier-ignore
    );
    const other = new Rig();
    const job = other.open();
    job.consult(sourceOf(records, other));
    assert.equal(await textOf(job.build({ vertex: graph(other, "word").final, index: 0 })), "final: made of word");
    await job.close();
    assert.deepEqual(other.runs, ["context"]);
    // And was remembered.
    assert.equal(await other.build(graph(other, "word").final), "final: made of word");
    assert.deepEqual(other.runs, ["context", "context"]);
    await release(records);
    await rig.end();
    await other.end();
  });

  test("does without the results that only others stood on", async () => {
    const rig = new Rig();
    const all = await recordsOf(rig, graph(rig, "word").final);
    const other = new Rig();
    const job = other.open();
    job.consult(sourceOf(only(all, "final"), other));
    await textOf(job.build({ vertex: graph(other, "word").final, index: 0 }));
    await job.close();
    assert.deepEqual(other.runs, ["context"]);
    await release(all);
    await rig.end();
    await other.end();
  });

  test("has what was not needed because something above it was known", async () => {
    const rig = new Rig();
    await rig.build(graph(rig, "word").final);
    rig.runs.length = 0;
    const records = await recordsOf(rig, graph(rig, "word").final);
    assert.deepEqual(rig.runs, ["context"]);
    assert.deepEqual(
      records.flatMap(({ vertex, results }) => results.map(({ result }) => `${vertex.name}: ${result.text}`)),
      ["copy: word", "made: made of word", "final: final: made of word"],
    );
    await release(records);
    await rig.end();
  });

  test("says nothing of what must not be stored", async () => {
    const rig = new Rig();
    const changing = rig.vertex("changing", { uncacheable: true });
    const above = rig.vertex("above", { inputs: [changing] });
    const records = await recordsOf(rig, above);
    assert.deepEqual(
      records.map(({ results, content }) => [results, content]),
      [
        [[], undefined],
        [[], undefined],
      ], // prettier-ignore
    );
    await rig.end();
  });

  test("other input, other keys", async () => {
    const rig = new Rig();
    const records = await recordsOf(rig, graph(rig, "word").final);
    const other = new Rig();
    const job = other.open();
    job.consult(sourceOf(records, other));
    assert.equal(await textOf(job.build({ vertex: graph(other, "other").final, index: 0 })), "final: made of other");
    await job.close();
    assert.deepEqual(other.runs, ["context", "copy", "made", "final"]);
    await release(records);
    await rig.end();
    await other.end();
  });
});
