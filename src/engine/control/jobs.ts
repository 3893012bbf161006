import { Arrivals } from "../../base/async/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { StatusEvent } from "../solver/mod.ts";

/** How long Status waits for a build that has not begun: clients ask for both at the same moment. */
const arrivalMs = 6000;
/** How long the progress of an ended build can still be asked for. */
const retentionMs = 10_000;

/** What clients may ask of a build that they know the id of. */
interface KnownBuild {
  /** All that has happened and will happen. */
  status(): AsyncIterable<StatusEvent>;
}

/** A build that will not begin. Why is told to whoever asked for it; there is no news of it. */
const refused: KnownBuild = { status: () => (async function* () {})() };

/** Builds by the id that their client chose. */
export class JobTable {
  readonly #jobs = new Arrivals<string, KnownBuild>();

  /** Whether a build of that id is under way, or has just ended. */
  has(id: string): boolean {
    const job = this.#jobs.get(id);
    return job !== undefined && job !== refused;
  }

  add(id: string, build: KnownBuild): void {
    this.#jobs.set(id, build);
  }

  /** Tells whoever waits for a build that it will not begin. */
  refuse(id: string): void {
    if (this.#jobs.get(id) !== undefined) return;
    this.#jobs.set(id, refused);
    setTimeout(() => this.#jobs.get(id) === refused && this.#jobs.delete(id), retentionMs).unref();
  }

  /** Forgets the build, some time after it ended; until then only what it told is kept of it. */
  retire(id: string): void {
    const build = this.#jobs.get(id);
    if (build) {
      const events = build.status();
      this.#jobs.set(id, { status: () => events });
    }
    setTimeout(() => this.#jobs.delete(id), retentionMs).unref();
  }

  /** The build of that id, waiting a moment for one that is about to begin. @throws {BuildError} `not_found` */
  async wait(id: string, { signal }: { signal: AbortSignal }): Promise<KnownBuild> {
    const job = await this.#jobs.wait(id, { timeoutMs: arrivalMs, signal });
    if (!job) throw new BuildError("not_found", `no such job ${id}`);
    return job;
  }
}
