import type { Digest } from "../../oci/mod.ts";
import type { Compression, LayerBlob, LayerProgress, OpenedRefStore, Ref } from "../refs/mod.ts";
import type { CacheRecord } from "../solver/mod.ts";
import type { CacheConfig, CacheConfigRecord, CacheLayer } from "./config/cache-config.ts";

/** What of a build is kept in an exported cache: `min`, what the results consist of; `max`, every step. */
export type CacheMode = "min" | "max";

/** A cache that is to be written somewhere. */
export interface CollectedCache {
  readonly config: CacheConfig;
  /** The blobs of its layers, each once. */
  readonly blobs: readonly LayerBlob[];
}

/** How a cache is collected. */
export interface CollectOptions {
  readonly mode: CacheMode;
  /** What the build exports: with `min`, only parts of these are kept. */
  readonly results: readonly Ref[];
  readonly refs: Pick<OpenedRefStore, "above" | "save">;
  readonly compression: Compression;
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly progress?: LayerProgress;
}

/**
 * Makes a cache of what a job has found out. A result stands in it under each of its keys, with its layers as blobs (made now where there are none).
 * A key that stands for the same work as a content key is a record that the content key's record links to: whoever reads the cache knows then what
 * a `COPY --from` gives without having what it copies from. The same records give the same bytes.
 */
export async function collectCache<C>(
  records: readonly CacheRecord<Ref, C>[],
  options: CollectOptions,
): Promise<CollectedCache> {
  const { compression, force, signal, progress } = options;
  const chains = new Chains();
  const wanted = records.flatMap((record) => wantedResults(record, options));
  const made = await Promise.all(
    wanted.map(async ({ result }) => await result.blobs({ signal, compression, force, ...(progress && { progress }) })),
  );
  for (const [at, { keys }] of wanted.entries()) chains.addResult(keys, made[at] ?? []);
  for (const { content } of records) if (content) chains.addLink(content.key, content.names);
  return chains.collected();
}

function wantedResults<C>(
  { vertex, results }: CacheRecord<Ref, C>,
  options: CollectOptions,
): CacheRecord<Ref, C>["results"] {
  const { mode, refs } = options;
  if (vertex.exportCache === false || (vertex.op.elsewhere && !vertex.exportCache)) return [];
  return results.filter(({ result }) => {
    if (refs.save(result) === undefined) return false;
    return (
      mode === "max" || vertex.exportCache === true || options.results.some((final) => isPart(result, final, refs))
    );
  });
}

/** Whether the layers of `part` are the lowest of `whole`. */
function isPart(part: Ref, whole: Ref, refs: Pick<OpenedRefStore, "above">): boolean {
  const rest = refs.above(whole, part);
  void rest?.release();
  return rest !== undefined;
}

/** A layer on top of others: named by itself and all that lies below. */
interface Node {
  readonly name: string;
  readonly below: string;
  readonly blob: LayerBlob;
}

/** Collects layers and records, and puts them in an order of their own. */
class Chains {
  readonly #nodes = new Map<string, Node>();
  readonly #results = new Map<Digest, string>();
  readonly #links = new Map<Digest, Set<Digest>>();

  addResult(keys: readonly Digest[], blobs: readonly LayerBlob[]): void {
    let name = "";
    for (const blob of blobs) {
      const below = name;
      name = `${below}/${blob.descriptor.digest}`;
      if (!this.#nodes.has(name)) this.#nodes.set(name, { name, below, blob });
    }
    // There is no way to write down a tree without layers, and none takes less to make.
    if (name !== "") for (const key of keys) if (!this.#results.has(key)) this.#results.set(key, name);
  }

  addLink(content: Digest, names: readonly Digest[]): void {
    const known = this.#links.get(content) ?? new Set();
    for (const name of names) known.add(name);
    if (known.size > 0) this.#links.set(content, known);
  }

  collected(): CollectedCache {
    const nodes = [...this.#nodes.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const indexOf = new Map(nodes.map(({ name }, at) => [name, at]));
    const layers = nodes.map(({ below, blob }): CacheLayer => {
      const { descriptor, diffId, createdAt } = blob;
      const { mediaType, size } = descriptor;
      const annotations = { mediaType, diffId, size, createdAt };
      return { blob: descriptor.digest, parent: below === "" ? -1 : (indexOf.get(below) ?? -1), annotations };
    });
    const blobs = new Map(nodes.map(({ blob }) => [blob.descriptor.digest, blob]));
    return { config: { layers, records: this.#records(layers, indexOf) }, blobs: [...blobs.values()] };
  }

  #records(layers: readonly CacheLayer[], indexOf: ReadonlyMap<string, number>): readonly CacheConfigRecord[] {
    const names = new Set([...this.#links.values()].flatMap((set) => [...set]));
    const roots = [...new Set([...this.#results.keys(), ...names])].toSorted();
    const places = new Map(roots.map((digest, at) => [digest, at]));
    const chainOf = (top: number | undefined): readonly number[] =>
      top === undefined || top < 0 ? [] : [...chainOf(layers[top]?.parent), top];
    const records = roots.map((digest): CacheConfigRecord => {
      const result = this.#results.get(digest);
      return { digest, results: result === undefined ? [] : [chainOf(indexOf.get(result))], links: [] };
    });
    const linked = [...this.#links].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return [
      ...records,
      ...linked.map(([digest, set]): CacheConfigRecord => {
        const links = [...set].flatMap((name) => places.get(name) ?? []).toSorted((a, b) => a - b);
        return { digest, results: [], links };
      }),
    ];
  }
}
