import type { Semaphore } from "../../base/async/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import type { FlightTable } from "./flight-table.ts";
import { Graph } from "./graph.ts";
import { type JobScope, quiet } from "./job-scope.ts";
import { JobCache } from "./job-cache.ts";
import type { CacheRecord, CacheSource, CacheStore, Edge, KnownOutput, Result } from "./op.ts";
import type { StatusEvent, VertexProgress } from "./progress.ts";
import { StatusBoard } from "./status-board.ts";
import { type VertexHandle, vertexHandle } from "./vertex-handle.ts";

/** How a job is opened. */
export interface JobOptions<C> {
  /** Handed to the ops, for instance with the client's sessions. */
  readonly environment: C;
  /** Cancels the job. */
  readonly signal: AbortSignal;
}

/** What all jobs of a solver share. */
export interface SolverScope<R extends Result> {
  readonly cache: CacheStore<R>;
  readonly flights: FlightTable<R>;
  readonly pools: ReadonlyMap<string, Semaphore>;
  readonly now: () => Date;
}

/**
 * One client's request: builds any number of edges, of any number of graphs, and tells how that goes.
 *
 * Equal vertices are worked on once per job. The job holds every result it came by until it is {@link close}d, which must happen.
 */
export class Job<R extends Result, C> {
  readonly id: string;
  readonly #scope: JobScope<R, C>;
  readonly #cache: JobCache<R>;
  readonly #graph: Graph<R, C>;
  readonly #board: StatusBoard;
  readonly #controller = new AbortController();
  readonly #leaving = new Set<(reason: unknown) => void>();
  readonly #held: R[] = [];
  readonly #pending = new Set<Promise<unknown>>();
  readonly #onClose: () => void;
  #closing: Promise<void> | undefined;

  /** Use {@link Solver.openJob}. */
  constructor(id: string, solver: SolverScope<R>, options: JobOptions<C>, onClose: () => void) {
    this.id = id;
    this.#board = new StatusBoard(solver.now);
    this.#cache = new JobCache(solver.cache);
    this.#scope = {
      ...solver,
      cache: this.#cache,
      environment: options.environment,
      signal: this.#controller.signal,
      board: this.#board,
      onAbort: (callback) => this.#onAbort(callback),
      hold: (...results) => this.#hold(...results),
      track: (work) => this.#track(work),
    };
    this.#graph = new Graph(this.#scope);
    const cancel = () => this.#abort(options.signal.reason);
    options.signal.addEventListener("abort", cancel, { once: true });
    this.#onClose = () => {
      options.signal.removeEventListener("abort", cancel);
      onClose();
    };
    if (options.signal.aborted) cancel();
  }

  /** Aborts when the job is cancelled or closed. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Builds one edge. All vertices of its graph that are new to the job are announced at once.
   * @returns the result, held by the caller
   * @throws {BuildError} the failure of a vertex, with details that name it
   * @throws the signal's reason, at once, when the job is cancelled
   */
  async build(edge: Edge<R, C>): Promise<R> {
    this.signal.throwIfAborted();
    const node = this.#graph.add(edge.vertex);
    const cancelled = Promise.withResolvers<never>();
    const forget = this.#onAbort(cancelled.reject);
    try {
      const result = await Promise.race([node.result(edge.index), cancelled.promise]);
      this.signal.throwIfAborted(); // what the job holds goes when the job does
      return result.clone();
    } finally {
      forget();
    }
  }

  /** Looks for results there, too, from now on; sources that were named before go before. */
  consult(source: CacheSource<R>): void {
    this.#cache.consult(source);
  }

  /**
   * What is known by now of everything that `edges` stand on, inputs first; they must have been built. Makes nothing: what was not needed because
   * something that stands on it was known is there only where the cache has it.
   * @returns results that the job holds until it is closed
   */
  async records(edges: readonly Edge<R, C>[]): Promise<readonly CacheRecord<R, C>[]> {
    const records: CacheRecord<R, C>[] = [];
    for (const [node, indexes] of this.#graph.below(edges)) {
      this.signal.throwIfAborted();
      records.push(await node.record(indexes));
    }
    return records;
  }

  /**
   * What `edges` stand on, to be looked for at any time, inputs first; they must have been built, and the job must not have ended yet. Makes nothing.
   * @param options.maxVertices of larger graphs the edges themselves alone
   */
  async outputs(
    edges: readonly Edge<R, C>[],
    { maxVertices }: { readonly maxVertices: number },
  ): Promise<readonly KnownOutput<R, C>[]> {
    const below = [...this.#graph.below(edges)];
    const tops = new Set(edges.map(({ vertex }) => vertex.digest));
    const wanted = below.length > maxVertices ? below.filter(([{ vertex }]) => tops.has(vertex.digest)) : below;
    return (await Promise.all(wanted.map(async ([node, indexes]) => await node.outputs(indexes)))).flat();
  }

  /** All that has happened and will happen, to any number of readers. Ends after {@link close}. */
  status(): AsyncIterable<StatusEvent> {
    return this.#board.events();
  }

  /** For saying something of a vertex, whether or not this job has it. */
  progressOf(digest: Digest): VertexProgress {
    return this.#board.progressOf(digest);
  }

  /** Announces a vertex that is no op, and lets the caller report it. */
  progressFor(vertex: { digest: Digest; name: string; inputs?: readonly Digest[] }): VertexHandle {
    this.#board.announce({ inputs: [], ...vertex });
    return vertexHandle(this.#board, vertex.digest);
  }

  /**
   * Ends the job: cancels what is still under way for it (with `error` as the reason), reports that as cancelled and ends the status.
   * @returns when everything that only this job wanted has ended and all of its results are released. Call it as often as you like.
   */
  close(error?: unknown): Promise<void> {
    this.#closing ??= quiet(this.#close(error ?? new BuildError("canceled", "context canceled")));
    return this.#closing;
  }

  async #close(reason: unknown): Promise<void> {
    this.#abort(reason);
    this.#board.close();
    this.#onClose();
    await Promise.resolve(); // those who wait on the job leave now
    const failures: unknown[] = [];
    while (this.#pending.size > 0 || this.#held.length > 0) {
      const releases = this.#held.splice(0).map((result) => result.release());
      const settled = await Promise.allSettled([...this.#pending, ...releases]);
      failures.push(...settled.flatMap((end) => (end.status === "rejected" ? [end.reason] : [])));
    }
    if (failures.length > 0) throw new AggregateError(failures, "Internal error: results could not be released");
  }

  #abort(reason: unknown): void {
    if (this.#controller.signal.aborted) return;
    this.#controller.abort(reason);
    for (const leave of this.#leaving) leave(this.#controller.signal.reason);
    this.#leaving.clear();
  }

  #onAbort(callback: (reason: unknown) => void): () => void {
    if (this.signal.aborted) callback(this.signal.reason);
    else this.#leaving.add(callback);
    return () => this.#leaving.delete(callback);
  }

  #hold(...results: readonly R[]): void {
    if (this.#closing) {
      for (const result of results) this.#track(result.release());
      throw this.signal.reason;
    }
    for (const result of results) this.#held.push(result); // maybe more than a call takes arguments
  }

  #track(work: Promise<unknown>): void {
    this.#pending.add(work);
    void work.catch(() => undefined).finally(() => this.#pending.delete(work));
  }
}
