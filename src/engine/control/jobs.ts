import { setTimeout as delay } from "node:timers/promises";
import { BuildError } from "../../base/errors/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { Job } from "../solver/mod.ts";
import type { JobEnvironment } from "./environment.ts";

/** How long Status waits for a build that has not begun: clients ask for both at the same moment. */
const arrivalMs = 6000;
/** How long the progress of an ended build can still be asked for. */
const retentionMs = 10_000;

type BuildJob = Job<Ref, JobEnvironment>;

/** Builds by the id that their client chose. */
export class JobTable {
  readonly #jobs = new Map<string, BuildJob>();
  readonly #arrivals = new Map<string, PromiseWithResolvers<BuildJob>>();

  /** @throws {BuildError} `already_exists` when a build of that id is known */
  add(id: string, job: BuildJob): void {
    if (this.#jobs.has(id)) throw new BuildError("already_exists", `job ID ${id} exists`);
    this.#jobs.set(id, job);
    this.#arrivals.get(id)?.resolve(job);
    this.#arrivals.delete(id);
  }

  /** Forgets the build, some time after it ended. */
  retire(id: string): void {
    void delay(retentionMs, undefined, { ref: false }).then(() => this.#jobs.delete(id));
  }

  has(id: string): boolean {
    return this.#jobs.has(id);
  }

  /** The build of that id, waiting a moment for one that is about to begin. @throws {BuildError} `not_found` */
  async wait(id: string, options: { signal: AbortSignal }): Promise<BuildJob> {
    const known = this.#jobs.get(id);
    if (known) return known;
    let arrival = this.#arrivals.get(id);
    if (!arrival) {
      arrival = Promise.withResolvers<BuildJob>();
      this.#arrivals.set(id, arrival);
    }
    const tooLate = delay(arrivalMs, undefined, { signal: options.signal, ref: false }).then(
      () => undefined,
      () => undefined,
    );
    const job = await Promise.race([arrival.promise, tooLate]);
    if (job) return job;
    options.signal.throwIfAborted();
    throw new BuildError("not_found", `no such job ${id}`);
  }
}
