import { Arrivals } from "../../base/async/mod.ts";
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
  readonly #jobs = new Arrivals<string, BuildJob>();

  /** Whether a build of that id is under way, or has just ended. */
  has(id: string): boolean {
    return this.#jobs.has(id);
  }

  add(id: string, job: BuildJob): void {
    this.#jobs.set(id, job);
  }

  /** Forgets the build, some time after it ended. */
  retire(id: string): void {
    setTimeout(() => this.#jobs.delete(id), retentionMs).unref();
  }

  /** The build of that id, waiting a moment for one that is about to begin. @throws {BuildError} `not_found` */
  async wait(id: string, { signal }: { signal: AbortSignal }): Promise<BuildJob> {
    const job = await this.#jobs.wait(id, { timeoutMs: arrivalMs, signal });
    if (!job) throw new BuildError("not_found", `no such job ${id}`);
    return job;
  }
}
