import { BuildError } from "../../base/errors/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import { FailedRun } from "./failed-run.ts";
import { Flight, type FlightControls, type Landing, type Trust } from "./flight.ts";
import type { FlightEvent } from "./flight-recorder.ts";
import { type JobScope, quiet } from "./job-scope.ts";
import { isShareable, type Key, outputKey } from "./key.ts";
import { NodeKeys } from "./node-keys.ts";
import type { CacheRecord, KnownOutput, Result, Vertex } from "./op.ts";
import { failVertex } from "./vertex-error.ts";

/** All that a vertex is known by, once its inputs are made. */
interface KnownKeys {
  readonly definition: Key;
  readonly named: Key;
  /** Where the op reads content. */
  readonly content: Key | undefined;
}

/** The run that was joined ended with the job it belonged to, not by its own doing: to be tried again. */
class OwnerGone extends Error {}

/**
 * How one vertex comes to its results within one job. Key after key (see {@link NodeKeys}) is looked up in the cache and among the runs
 * under way in any job; only when all have missed are the inputs made and the op run, and its results stored under all keys.
 */
export class Node<R extends Result, C> {
  readonly vertex: Vertex<R, C>;
  readonly keys: NodeKeys<R, C>;
  readonly #inputs: readonly { readonly node: Node<R, C>; readonly index: number }[];
  readonly #job: JobScope<R, C>;
  readonly #results = new Map<number, Promise<R>>();
  #outputs: Promise<readonly R[]> | undefined;
  #trust: Trust = { byDefinition: true, byIdentity: true };

  constructor(
    vertex: Vertex<R, C>,
    inputs: readonly { readonly node: Node<R, C>; readonly index: number }[],
    job: JobScope<R, C>,
  ) {
    this.vertex = vertex;
    this.keys = new NodeKeys(vertex, inputs, job);
    this.#inputs = inputs;
    this.#job = job;
  }

  /** The result of one output, from the cache or made. The job holds it. */
  result(index: number): Promise<R> {
    let result = this.#results.get(index);
    if (!result) {
      result = quiet(this.#obtain(index));
      this.#results.set(index, result);
    }
    return result;
  }

  /** What has been found out so far. Makes nothing; what it finds in the cache the job holds. @param indexes the outputs that are of interest */
  async record(indexes: Iterable<number>): Promise<CacheRecord<R, C>> {
    const { definition, named, content } = await this.keys.known();
    const trusted = [
      ...(this.#trust.byDefinition ? [definition] : []),
      ...(this.#trust.byIdentity ? [named, content] : []),
    ].flatMap((key) => (key && !key.volatile ? [key] : []));
    const keys = unique(trusted);
    const results: CacheRecord<R, C>["results"][number][] = [];
    for (const index of keys.length > 0 ? indexes : []) {
      const result = (await this.#results.get(index)?.catch(() => undefined)) ?? (await this.#recall(keys, index));
      if (result) results.push({ keys: keys.map((key) => outputKey(key, index)), result });
    }
    const stands = content && this.#trust.byIdentity && !content.volatile ? content.digest : undefined;
    const names = keys.map(({ digest }) => digest).filter((digest) => digest !== stands);
    return { vertex: this.vertex, results, content: stands === undefined ? undefined : { key: stands, names } };
  }

  /** Its outputs, to be looked for later: what the job holds by now is cloned, other results are looked for where the job would have. */
  async outputs(indexes: Iterable<number>): Promise<readonly KnownOutput<R, C>[]> {
    const { cache } = this.#job;
    const known = await this.keys.known();
    const keys = [known.definition, known.named, known.content].flatMap((key) =>
      key && isShareable(key) ? [key] : [],
    );
    const outputs: KnownOutput<R, C>[] = [];
    for (const index of indexes) {
      const held = (await this.#results.get(index)?.catch(() => undefined))?.clone();
      const find = async () => {
        for (const key of keys) {
          const found = await cache.load(outputKey(key, index));
          if (found) return found;
        }
        return undefined;
      };
      outputs.push({ vertex: this.vertex, index, take: async () => held ?? (await find()) });
    }
    return outputs;
  }

  async #recall(keys: readonly Key[], index: number): Promise<R | undefined> {
    for (const key of keys) {
      const loaded = isShareable(key) ? await this.#job.cache.load(outputKey(key, index)) : undefined;
      if (!loaded) continue;
      this.#job.hold(loaded);
      return loaded;
    }
    return undefined;
  }

  /** What it stands on. */
  get inputs(): readonly { readonly node: Node<R, C>; readonly index: number }[] {
    return this.#inputs;
  }

  async #obtain(index: number): Promise<R> {
    for (;;) {
      const { landings } = this.#job.flights;
      try {
        return (await this.#find(index)) ?? (await this.#make(index, landings));
      } catch (error) {
        if (!(error instanceof OwnerGone)) throw error;
      }
    }
  }

  /** Looks for the result under all that can be known without making it. */
  async #find(index: number): Promise<R | undefined> {
    const definition = await this.keys.definition();
    const byDefinition = await this.#lookUp([definition], index);
    if (byDefinition) return byDefinition;
    const named = await this.keys.named();
    if (named.digest !== definition.digest) {
      const byName = await this.#lookUp([named, definition], index);
      if (byName) return byName;
    }
    if (!(await this.keys.readsContent()).includes(true)) return undefined;
    const content = await this.keys.content();
    const byContent = await this.#lookUp([content, named, definition], index);
    if (byContent) await this.#storeContentKey(content, [named, definition]);
    return byContent;
  }

  /** Looks under the first of `keys`; the others, which have missed before, learn from a hit. */
  async #lookUp(keys: readonly [Key, ...Key[]], index: number): Promise<R | undefined> {
    const { board, cache, flights, signal } = this.#job;
    const [key, ...missed] = keys;
    signal.throwIfAborted();
    const loaded = isShareable(key) ? await cache.load(outputKey(key, index)) : undefined;
    if (loaded) {
      this.#job.hold(loaded);
      board.cached(this.vertex.digest);
      await this.#teach(missed, index, loaded);
      return loaded;
    }
    const flight = flights.find([key]);
    if (!flight) return undefined;
    this.#outputs ??= quiet(this.#join(flight, missed));
    return outputOf(await this.#outputs, index);
  }

  /** Runs the op, or joins who came first. @param before how many runs had ended when the cache was asked */
  async #make(index: number, before: number): Promise<R> {
    const { flights } = this.#job;
    const inputs = await Promise.all(this.#inputs.map((input) => input.node.result(input.index)));
    const reads = (await this.keys.readsContent()).includes(true);
    const keys: KnownKeys = {
      definition: await this.keys.definition(),
      named: await this.keys.namedAnew(),
      content: reads ? await this.keys.content() : undefined,
    };
    // Somebody may have stored it since we looked, or the inputs are better known now than they were then.
    if (flights.landings !== before || keys.named.digest !== (await this.keys.named()).digest) {
      for (const key of distinct(keys)) {
        const found = await this.#lookUp([key], index);
        if (found) return found;
      }
    }
    this.#job.signal.throwIfAborted(); // the inputs go when the job does
    const flight = flights.find(distinct(keys));
    this.#outputs ??= quiet(flight ? this.#join(flight, distinct(keys)) : this.#join(this.#depart(keys, inputs), []));
    return outputOf(await this.#outputs, index);
  }

  /** Takes part in a run, ours or somebody else's, and reports it under our vertex. `keys` learn what it made. */
  async #join(flight: Flight<R>, keys: readonly Key[]): Promise<readonly R[]> {
    const job = this.#job;
    try {
      const landing = await flight.join(job, (event) => this.#hear(event));
      const { results } = landing;
      job.hold(...results);
      this.#trust = landing.trust;
      if (landing.contentKey) this.keys.learnContent(landing.contentKey);
      job.board.completed(this.vertex.digest);
      if (landing.trust.byDefinition && landing.trust.byIdentity) {
        for (const [index, result] of results.entries()) await this.#teach(keys, index, result);
      }
      return results;
    } catch (error) {
      if (error instanceof FailedRun) job.hold(...(error as FailedRun<R>).held);
      this.#outputs = undefined;
      if (!job.signal.aborted && flight.owner !== job && flight.owner.signal.aborted) throw new OwnerGone();
      throw failVertex(error, this.vertex, job);
    } finally {
      if (flight.deserted) job.track(flight.done);
    }
  }

  #hear(event: FlightEvent): void {
    const { board } = this.#job;
    const vertex = this.vertex.digest;
    switch (event.type) {
      case "started":
        board.started(vertex, event.at);
        break;
      case "event":
        board.append({ ...event.event, vertex });
    }
  }

  /** Starts a run of our own, which others can join under all of its keys. Nothing may come between looking for one and this. */
  #depart(keys: KnownKeys, inputs: readonly R[]): Flight<R> {
    const { flights, now } = this.#job;
    const held = inputs.map((input) => input.clone()); // whoever takes part: the inputs must outlive the job that brought them
    const flight = new Flight<R>(
      async (controls) => {
        try {
          return await this.#run(keys, held, controls);
        } finally {
          flights.remove(distinct(keys), flight);
          await Promise.all(held.map((input) => input.release()));
        }
      },
      { owner: this.#job, now },
    );
    flights.add(distinct(keys), flight);
    return flight;
  }

  async #run(keys: KnownKeys, inputs: readonly R[], controls: FlightControls): Promise<Landing<R>> {
    const { signal, progress } = controls;
    const { op } = this.vertex;
    const { environment, pools } = this.#job;
    signal.throwIfAborted();
    const ran = await (async () => {
      const pool = op.pool === undefined ? undefined : pools.get(op.pool);
      if (op.pool !== undefined && !pool) throw new Error(`Internal error: no pool named "${op.pool}"`);
      using _place = await pool?.acquire({ signal });
      controls.started();
      return await op.run(inputs, { signal, progress, environment });
    })();
    try {
      const trust = await this.#trustIn(ran.uncacheable ?? false);
      await this.#store(keys, trust, ran.results);
      return { results: ran.results, trust, contentKey: trust.byIdentity ? keys.content?.digest : undefined };
    } catch (error) {
      await Promise.all(ran.results.map((result) => result.release()));
      throw error;
    }
  }

  async #trustIn(uncacheable: boolean): Promise<Trust> {
    const reads = await this.keys.readsContent();
    return {
      byDefinition: !uncacheable && this.#inputs.every(({ node }) => node.#trust.byDefinition),
      byIdentity: !uncacheable && this.#inputs.every(({ node }, at) => reads[at] || node.#trust.byIdentity),
    };
  }

  /** Stores all outputs under each key that tells the truth about them. */
  async #store({ definition, named, content }: KnownKeys, trust: Trust, results: readonly R[]): Promise<void> {
    const byName = this.#inputs.every(({ node }) => node.#trust.byIdentity) && trust.byIdentity;
    const names = [...(trust.byDefinition ? [definition] : []), ...(byName ? [named] : [])];
    const keys = [...names, ...(content && trust.byIdentity ? [content] : [])];
    for (const [index, result] of results.entries()) await this.#storeOutput(unique(keys), index, result);
    if (content && trust.byIdentity) await this.#storeContentKey(content, unique(names));
  }

  /** Stores a result that the job holds under keys that did not lead to it. */
  async #teach(keys: readonly Key[], index: number, result: R): Promise<void> {
    for (const key of keys) {
      this.#job.signal.throwIfAborted(); // the result goes when the job does
      await this.#storeOutput([key], index, result);
    }
  }

  async #storeOutput(keys: readonly Key[], index: number, result: R): Promise<void> {
    const { name } = this.vertex;
    for (const key of keys) {
      if (!key.volatile) await this.#job.cache.store(outputKey(key, index), result, { description: name });
    }
  }

  async #storeContentKey(content: Key, names: readonly Key[]): Promise<void> {
    if (content.volatile) return;
    for (const key of names) if (!key.volatile) await this.#job.cache.storeContentKey?.(key.digest, content.digest);
  }
}

/** The keys without repetition, best known first. */
function distinct({ content, named, definition }: KnownKeys): readonly Key[] {
  return unique([...(content ? [content] : []), named, definition]);
}

function unique(keys: readonly Key[]): readonly Key[] {
  const seen = new Set<Digest>();
  return keys.filter(({ digest }) => !seen.has(digest) && seen.add(digest));
}

function outputOf<R>(results: readonly R[], index: number): R {
  const result = results[index];
  if (result === undefined) {
    const message = `invalid response from exec need ${index} index but ${results.length} results received`;
    throw new BuildError("invalid_argument", message);
  }
  return result;
}
