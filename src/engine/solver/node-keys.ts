import type { Digest } from "../../oci/mod.ts";
import { type JobScope, quiet } from "./job-scope.ts";
import { isShareable, type Key, type KeyPart, vertexKey } from "./key.ts";
import type { CacheMap, OpContext, Result, Vertex } from "./op.ts";
import { UnreadableInput } from "./unreadable-input.ts";
import { failVertex } from "./vertex-error.ts";

/** One input of a node: an output of another one. */
export interface NodeInput<R extends Result, C> {
  readonly node: { readonly keys: NodeKeys<R, C>; result(index: number): Promise<R> };
  readonly index: number;
}

/**
 * What one vertex is known by within one job, worked out as late as possible and remembered.
 *
 * - The *definition key*: its op and the definition keys of its inputs. Nothing has to be made to know it.
 * - The *named key*: its op and what its inputs are best known by, their *identity*. The same as the definition key unless something
 *   further down is recognised by content.
 * - The *content key*, for ops that can tell what they read of an input: that input is made, and its content stands in for its name.
 *
 * A vertex's identity is its content key where it has one, else its named key.
 */
export class NodeKeys<R extends Result, C> {
  readonly #vertex: Vertex<R, C>;
  readonly #inputs: readonly NodeInput<R, C>[];
  readonly #job: JobScope<R, C>;
  readonly #context: OpContext<C>;
  #cacheMap: Promise<CacheMap<R, C>> | undefined;
  #definition: Promise<Key> | undefined;
  #named: Promise<Key> | undefined;
  #content: Promise<Key> | undefined;
  #remembered: Promise<Key | undefined> | undefined;

  constructor(vertex: Vertex<R, C>, inputs: readonly NodeInput<R, C>[], job: JobScope<R, C>) {
    this.#vertex = vertex;
    this.#inputs = inputs;
    this.#job = job;
    const progress = job.board.progressOf(vertex.digest);
    this.#context = { signal: job.signal, environment: job.environment, progress };
  }

  cacheMap(): Promise<CacheMap<R, C>> {
    return (this.#cacheMap ??= quiet(this.#askCacheMap()));
  }

  /** Which inputs can stand in with their content, in order of the inputs. */
  async readsContent(): Promise<readonly boolean[]> {
    return (await this.cacheMap()).inputs.map((input) => input.contentDigest !== undefined);
  }

  definition(): Promise<Key> {
    return (this.#definition ??= quiet(this.#combine(({ node }) => node.keys.definition())));
  }

  named(): Promise<Key> {
    return (this.#named ??= quiet(this.namedAnew()));
  }

  /** As {@link named}, with what is known of the inputs by now: once they are made, their content is known for certain. */
  namedAnew(): Promise<Key> {
    return this.#combine(({ node }) => node.keys.identity());
  }

  /** Makes the inputs that can tell their content. */
  content(): Promise<Key> {
    return (this.#content ??= quiet(this.#combine(({ node }) => node.keys.identity(), true)));
  }

  async identity(): Promise<Key> {
    if (this.#content) return await this.#content;
    const readsContent = await this.readsContent();
    if (!readsContent.includes(true)) return await this.named();
    return (await (this.#remembered ??= quiet(this.#recall()))) ?? (await this.content());
  }

  /** Those that somebody has asked for and that could be told. Makes nothing. */
  async known(): Promise<{ readonly definition?: Key; readonly named?: Key; readonly content?: Key }> {
    const [definition, named, content, remembered] = await Promise.all(
      [this.#definition, this.#named, this.#content, this.#remembered].map(
        async (key) => await key?.catch(() => undefined),
      ),
    );
    const best = content ?? remembered;
    return { ...(definition && { definition }), ...(named && { named }), ...(best && { content: best }) };
  }

  /** Takes over what another job found out. */
  learnContent(key: Digest): void {
    this.#content ??= Promise.resolve({ digest: key, volatile: false, fresh: false });
  }

  /** The content key that was stored for one of the other keys: saves making the inputs just to learn a name. */
  async #recall(): Promise<Key | undefined> {
    const { cache } = this.#job;
    for (const ask of [() => this.definition(), () => this.named()]) {
      const key = await ask();
      const digest = isShareable(key) ? await cache.loadContentKey?.(key.digest) : undefined;
      if (digest !== undefined) return { digest, volatile: false, fresh: false };
    }
    return undefined;
  }

  async #combine(keyOf: (input: NodeInput<R, C>) => Promise<Key>, byContent = false): Promise<Key> {
    const map = await this.cacheMap();
    const parts = await Promise.all(
      this.#inputs.map(async (input, at): Promise<KeyPart> => {
        const { selector, contentDigest } = map.inputs[at] ?? {};
        if (byContent && contentDigest) return { content: await this.#digestContent(input, at, contentDigest) };
        return { key: await keyOf(input), index: input.index, selector };
      }),
    );
    return vertexKey(map.digest, parts, {
      volatile: map.volatile ?? false,
      fresh: this.#vertex.ignoreCache ?? false,
    });
  }

  async #digestContent(
    input: NodeInput<R, C>,
    at: number,
    contentDigest: (result: R, context: OpContext<C>) => Promise<Digest>,
  ): Promise<Digest> {
    const held = await input.node.result(input.index);
    this.#job.signal.throwIfAborted(); // what the job holds goes when the job does
    const result = held.clone();
    try {
      return await contentDigest(result, this.#context);
    } catch (error) {
      const unreadable = new UnreadableInput(error, at, held);
      throw failVertex(unreadable, this.#vertex, this.#job, "failed to compute cache key: ");
    } finally {
      await result.release();
    }
  }

  async #askCacheMap(): Promise<CacheMap<R, C>> {
    const { board, signal } = this.#job;
    const { digest, inputs, op } = this.#vertex;
    signal.throwIfAborted();
    // Vertices without inputs may have to look somewhere to know what they are; people see that.
    const visible = inputs.length === 0;
    if (visible) board.started(digest);
    try {
      const map = await op.cacheMap(this.#context);
      if (map.inputs.length !== inputs.length) {
        throw new Error(
          `Internal error: cache map of "${this.#vertex.name}" has ${map.inputs.length} inputs, not ${inputs.length}`,
        );
      }
      if (visible) board.completed(digest);
      return map;
    } catch (error) {
      throw failVertex(error, this.#vertex, this.#job, visible ? "failed to load cache key: " : "");
    }
  }
}
