import { Semaphore } from "../../base/async/mod.ts";
import { FlightTable } from "./flight-table.ts";
import { Job, type JobOptions, type SolverScope } from "./job.ts";
import type { CacheStore, Result } from "./op.ts";

/** What a solver is made of. */
export interface SolverOptions<R extends Result> {
  readonly cache: CacheStore<R>;
  /** How many ops of each pool may run at once, in all jobs together; see {@link Op.pool}. */
  readonly pools: Readonly<Record<string, number>>;
  /** The clock of the status events; default: the machine's. */
  readonly now?: () => Date;
}

/** Opens jobs, and lets them share the cache, the pools and whatever is under way. One per engine. */
export class Solver<R extends Result, C> {
  readonly #scope: SolverScope<R>;
  readonly #jobs = new Map<string, Job<R, C>>();

  constructor(options: SolverOptions<R>) {
    this.#scope = {
      cache: options.cache,
      flights: new FlightTable(),
      pools: new Map(Object.entries(options.pools).map(([name, limit]) => [name, new Semaphore(limit)])),
      now: options.now ?? (() => new Date()),
    };
  }

  /**
   * Opens a job; it must be closed.
   * @throws {Error} when a job of that id is open
   */
  openJob(id: string, options: JobOptions<C>): Job<R, C> {
    if (this.#jobs.has(id)) throw new Error(`Internal error: job "${id}" is already open`);
    const job = new Job<R, C>(id, this.#scope, options, () => this.#jobs.delete(id));
    this.#jobs.set(id, job);
    return job;
  }

  /** The open job of that id. */
  job(id: string): Job<R, C> | undefined {
    return this.#jobs.get(id);
  }
}
