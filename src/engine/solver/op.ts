import type { SourceRange } from "../../base/errors/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import type { VertexProgress } from "./progress.ts";

/** What a vertex makes: held by whoever got it, until released. The solver knows nothing else of it. */
export interface Result {
  clone(): this;
  release(): Promise<void>;
}

/** What an op may use while it works. `C` is the environment of the job (sessions, for instance), opaque to the solver. */
export interface OpContext<C> {
  readonly signal: AbortSignal;
  readonly progress: VertexProgress;
  readonly environment: C;
}

/**
 * How an op's results are recognised without running it.
 *
 * The definition key of an output is made of {@link digest}, the output's index and the keys of the inputs. Where an input has
 * {@link InputKey.contentDigest}, its content may stand in for its key: the input is made first, the op itself not yet.
 */
export interface CacheMap<R, C> {
  /** Of everything that decides the result apart from the inputs. */
  readonly digest: Digest;
  /** One per input of the vertex, in order. */
  readonly inputs: readonly InputKey<R, C>[];
  /** The key means nothing outside this job (a directory of one client): it is neither looked up nor stored. */
  readonly volatile?: boolean;
}

export interface InputKey<R, C> {
  /** What part of the input the op looks at; part of the key. */
  readonly selector?: Digest;
  /** Digest of exactly what the op reads from that input. */
  readonly contentDigest?: (result: R, context: OpContext<C>) => Promise<Digest>;
}

/** What a vertex does. Stateless: two vertices may share one op, and one op may run several times. */
export interface Op<R extends Result, C> {
  /** May resolve names over the network; must not do the work itself. Called once per vertex and job. */
  cacheMap(context: OpContext<C>): Promise<CacheMap<R, C>>;
  /** One result per output. The caller keeps `inputs`; the results are the caller's. `uncacheable` results are used but not stored. */
  run(
    inputs: readonly R[],
    context: OpContext<C>,
  ): Promise<{ readonly results: readonly R[]; readonly uncacheable?: boolean }>;
  /** Name of the pool whose places bound how many of these run at once, for instance `exec`; none: unbounded. */
  readonly pool?: string;
  /** Its results only point to what lies elsewhere and is fetched from there when needed: an exported cache has no use for copies. */
  readonly elsewhere?: boolean;
}

/** A node of the build graph. Equal digests mean equal work within one job. */
export interface Vertex<R extends Result, C> {
  readonly digest: Digest;
  /** As people see it, for instance `[2/3] RUN make`. */
  readonly name: string;
  readonly inputs: readonly Edge<R, C>[];
  readonly op: Op<R, C>;
  /** Never answered from the cache (results are stored all the same). */
  readonly ignoreCache?: boolean;
  /** Whether its results belong into an exported cache; undefined: as the export's mode says. */
  readonly exportCache?: boolean;
  readonly progressGroup?: { readonly id: string; readonly name: string; readonly weak: boolean };
  /** Where it stands in its source; innermost last. Errors of the vertex carry it. */
  readonly locations?: readonly SourceRange[];
  readonly description?: Readonly<Record<string, string>>;
}

/** One output of a vertex. */
export interface Edge<R extends Result, C> {
  readonly vertex: Vertex<R, C>;
  readonly index: number;
}

/**
 * Results found by key, across builds and restarts. Implemented by the engine over SQLite, by tests over a map.
 *
 * The two optional methods keep one small fact per vertex: which content key a definition key was seen to stand for. With them the key
 * of a vertex below a `COPY --from` is known without making what that copies from; without them it is computed again.
 */
export interface CacheStore<R extends Result> {
  /** The result stored under `key`, held; `undefined` when there is none or it is gone. */
  load(key: Digest): Promise<R | undefined>;
  /** Remembers that `key` gives `result` (not consumed), instead of what it gave before. Does nothing for results that cannot outlive the build. */
  store(key: Digest, result: R, info: { readonly description: string }): Promise<void>;
  /** The content key last stored for `key`. It names what the result was made of, and stays true when the result itself is gone. */
  loadContentKey?(key: Digest): Promise<Digest | undefined>;
  /** Remembers that `key` stands for the same work as `contentKey`. */
  storeContentKey?(key: Digest, contentKey: Digest): Promise<void>;
}

/** Results that were found elsewhere, for instance in a cache that another engine has exported. */
export interface CacheSource<R extends Result> {
  /** As people see it. */
  readonly name: string;
  /** As {@link CacheStore.load}. */
  load(key: Digest): Promise<R | undefined>;
  /** As {@link CacheStore.loadContentKey}. */
  loadContentKey(key: Digest): Promise<Digest | undefined>;
}

/** One output of a vertex, for those who ask what is there of it when the job has ended. */
export interface KnownOutput<R extends Result, C> {
  readonly vertex: Vertex<R, C>;
  readonly index: number;
  /** The result, where it can be had without making it; the caller's to release. To be called once, in any case. */
  take(): Promise<R | undefined>;
}

/** What a job has found out of one vertex: what to keep so that others need not do it again. */
export interface CacheRecord<R extends Result, C> {
  readonly vertex: Vertex<R, C>;
  /** Outputs that are at hand, held by the job, and every key that leads to them. */
  readonly results: readonly { readonly keys: readonly Digest[]; readonly result: R }[];
  /** The keys that are known to stand for the same work as the content key. */
  readonly content: { readonly key: Digest; readonly names: readonly Digest[] } | undefined;
}
