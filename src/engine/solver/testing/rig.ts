import assert from "node:assert/strict";
import { type Digest, digestOf } from "../../../oci/mod.ts";
import type { CacheStore, Edge, InputKey, Op, OpContext, Result, Vertex } from "../op.ts";
import type { StatusEvent, VertexStatus } from "../progress.ts";
import { type Job, Solver, type SolverOptions } from "../mod.ts";

/** Counts holds, so that a test can say that nothing leaked and nothing was released twice. */
export class Holds {
  open = 0;
  taken = 0;
  errors: string[] = [];
}

/** A result that is a text. */
export class TextResult implements Result {
  readonly text: string;
  readonly #holds: Holds;
  #released = false;
  constructor(text: string, holds: Holds) {
    this.text = text;
    this.#holds = holds;
    holds.open++;
    holds.taken++;
  }
  clone(): this {
    if (this.#released) this.#holds.errors.push(`clone of "${this.text}" after its release`);
    return new TextResult(this.text, this.#holds) as this;
  }
  async release(): Promise<void> {
    if (this.#released) this.#holds.errors.push(`"${this.text}" released twice`);
    this.#released = true;
    this.#holds.open--;
  }
}

/** A cache over maps that survives solvers, as the real one survives restarts. */
export class MemoryCache implements CacheStore<TextResult> {
  readonly results = new Map<Digest, string>();
  readonly contentKeys = new Map<Digest, Digest>();
  readonly holds: Holds;
  loads = 0;
  stores = 0;
  constructor(holds: Holds) {
    this.holds = holds;
  }
  async load(key: Digest): Promise<TextResult | undefined> {
    this.loads++;
    const text = this.results.get(key);
    return text === undefined ? undefined : new TextResult(text, this.holds);
  }
  async store(key: Digest, result: TextResult): Promise<void> {
    this.stores++;
    this.results.set(key, result.text);
  }
  async loadContentKey(key: Digest): Promise<Digest | undefined> {
    return this.contentKeys.get(key);
  }
  async storeContentKey(key: Digest, contentKey: Digest): Promise<void> {
    this.contentKeys.set(key, contentKey);
  }
}

export type TestVertex = Vertex<TextResult, string>;
export type TestContext = OpContext<string>;

/** What a vertex of a test may say about itself; the rest is made up from its name. */
export interface VertexSpec {
  readonly inputs?: readonly (TestVertex | Edge<TextResult, string>)[];
  /** Of the op; the name by default. */
  readonly key?: string;
  readonly volatile?: boolean;
  readonly ignoreCache?: boolean;
  readonly uncacheable?: boolean;
  readonly pool?: string;
  /** Which inputs are known by content: a function from the input's text to what the op sees of it. */
  readonly content?: readonly (((text: string) => string) | undefined)[];
  /** Instead of joining the texts of the inputs. */
  readonly run?: (
    inputs: readonly string[],
    context: TestContext,
  ) => Promise<string | readonly string[]> | string | readonly string[];
  readonly cacheMap?: (context: TestContext) => Promise<void>;
  readonly locations?: TestVertex["locations"];
}

/** Everything a test of the solver needs. */
export class Rig {
  readonly holds = new Holds();
  readonly cache = new MemoryCache(this.holds);
  /** Names of the vertices whose op ran, in order of their beginning. */
  readonly runs: string[] = [];
  /** Names of the vertices that were asked for their cache map. */
  readonly maps: string[] = [];
  readonly solver: Solver<TextResult, string>;
  readonly #jobs: Job<TextResult, string>[] = [];
  #clock = 0;

  constructor(options: Partial<SolverOptions<TextResult>> = {}) {
    this.solver = new Solver({ cache: this.cache, pools: {}, now: () => new Date(this.#clock++), ...options });
  }

  open(signal: AbortSignal = new AbortController().signal): Job<TextResult, string> {
    const id = `job ${this.#jobs.length}`;
    const job = this.solver.openJob(id, { environment: id, signal });
    this.#jobs.push(job);
    return job;
  }

  /** Builds in a job of its own; gives the text. */
  async build(vertex: TestVertex, index = 0): Promise<string> {
    const job = this.open();
    try {
      return await textOf(job.build({ vertex, index }));
    } finally {
      await job.close();
    }
  }

  vertex(name: string, spec: VertexSpec = {}): TestVertex {
    const inputs = (spec.inputs ?? []).map((input) => ("vertex" in input ? input : { vertex: input, index: 0 }));
    return {
      digest: digestOf(JSON.stringify([name, inputs.map(({ vertex, index }) => [vertex.digest, index])])),
      name,
      inputs,
      op: this.#op(name, spec, inputs.length),
      ...(spec.ignoreCache && { ignoreCache: true }),
      ...(spec.locations && { locations: spec.locations }),
    };
  }

  #op(name: string, spec: VertexSpec, inputs: number): Op<TextResult, string> {
    const inputKey = (at: number): InputKey<TextResult, string> => {
      const seen = spec.content?.[at];
      return seen ? { contentDigest: async (result) => digestOf(seen(result.text)) } : {};
    };
    return {
      ...(spec.pool !== undefined && { pool: spec.pool }),
      cacheMap: async (context) => {
        this.maps.push(name);
        await spec.cacheMap?.(context);
        return {
          digest: digestOf(spec.key ?? name),
          inputs: Array.from({ length: inputs }, (_, at) => inputKey(at)),
          ...(spec.volatile && { volatile: true }),
        };
      },
      run: async (results, context) => {
        this.runs.push(name);
        const texts = results.map((result) => result.text);
        const made = (await spec.run?.(texts, context)) ?? `${name}(${texts.join(",")})`;
        for (const result of results) await result.clone().release(); // complains if it was released meanwhile
        const outputs = typeof made === "string" ? [made] : made;
        return {
          results: outputs.map((text) => new TextResult(text, this.holds)),
          ...(spec.uncacheable && { uncacheable: true }),
        };
      },
    };
  }

  /** Closes all jobs, and checks that every result ever taken was released, once. */
  async end(): Promise<void> {
    for (const job of this.#jobs) await job.close();
    assert.deepEqual(this.holds.errors, []);
    assert.equal(this.holds.open, 0, `${this.holds.open} of ${this.holds.taken} results were never released`);
  }
}

/** The text of a result, which is released. */
export async function textOf(result: Promise<TextResult>): Promise<string> {
  const held = await result;
  await held.release();
  return held.text;
}

/** A door that a test opens when it likes. */
export function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}

/** Lets everything happen that can happen without anybody's help. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** All events of a job that is closed. */
export async function eventsOf(job: Job<TextResult, string>): Promise<StatusEvent[]> {
  return await Array.fromAsync(job.status());
}

/** The states that the vertex called `name` went through, in few words. */
export function statesOf(events: readonly StatusEvent[], name: string): string[] {
  const states: string[] = [];
  for (const event of events) {
    if (event.type === "vertex" && event.vertex.name === name) states.push(stateOf(event.vertex));
  }
  return states;
}

function stateOf(vertex: VertexStatus): string {
  if (vertex.error !== undefined) return `error: ${vertex.error}`;
  if (vertex.cached) return "cached";
  if (vertex.completed) return "completed";
  return vertex.started ? "started" : "announced";
}
