import type { Digest } from "../../oci/mod.ts";
import { FailedRun } from "./failed-run.ts";
import type { Result } from "./op.ts";
import type { VertexProgress } from "./progress.ts";
import { FlightRecorder, type FlightListener } from "./flight-recorder.ts";

/** What a run brought home. */
export interface Landing<R> {
  /** One per output of the vertex. */
  readonly results: readonly R[];
  readonly trust: Trust;
  /** The key that names the work by content, where that is how it is known. */
  readonly contentKey: Digest | undefined;
}

/**
 * Whether keys that are derived from a vertex's own keys may be stored. Not when its results were not what its keys promise
 * (a file changed while it was read): below such a vertex only keys by content hold.
 */
export interface Trust {
  readonly byDefinition: boolean;
  readonly byIdentity: boolean;
}

/** What the work of a flight gets to use. */
export interface FlightControls {
  /** Aborts when the last passenger has left. */
  readonly signal: AbortSignal;
  readonly progress: VertexProgress;
  /** Says that the work itself begins now (it may have waited for a place before). */
  started(): void;
}

/** Somebody who can leave before the landing: a job. */
export interface Passenger {
  readonly signal: AbortSignal;
  /** Calls back at most once when the passenger has to leave; the function returned takes the request back. */
  onAbort(callback: (reason: unknown) => void): () => void;
}

/**
 * One run of an op, shared by everybody who wants its results at the same time.
 *
 * Whoever {@link join}s gets its own hold on the results, and hears what the run says from its first word on. The work stops when the
 * last one has left. What it made is released when everybody has taken theirs, once.
 */
export class Flight<R extends Result> {
  /** Settles when the work has ended and the flight holds nothing any more; rejects only when a release fails. */
  readonly done: Promise<void>;
  /** On whose behalf, and with whose environment, the work is done. */
  readonly owner: Passenger;
  readonly #controller = new AbortController();
  readonly #recorder: FlightRecorder;
  readonly #landing: Promise<Landing<R>>;
  readonly #emptied = Promise.withResolvers<void>();
  #passengers = 0;
  #landed = false;

  /** Begins `work` with the next turn, so that the one who starts a flight can board it first. */
  constructor(work: (controls: FlightControls) => Promise<Landing<R>>, options: { owner: Passenger; now: () => Date }) {
    this.owner = options.owner;
    this.#recorder = new FlightRecorder(options.now);
    const recorder = this.#recorder;
    const { signal } = this.#controller;
    this.#landing = Promise.resolve()
      .then(() => work({ signal, progress: recorder.progress, started: () => recorder.started() }))
      .finally(() => {
        this.#landed = true;
        recorder.ended();
      });
    const empty = async (results: readonly R[]) => {
      await this.#emptied.promise;
      await Promise.all(results.map((result) => result.release()));
    };
    this.done = this.#landing.then(
      async ({ results }) => await empty(results),
      async (error: unknown) => {
        if (error instanceof FailedRun) await empty((error as FailedRun<R>).held);
      },
    );
    this.done.catch(() => undefined);
  }

  /** Nobody wants it any more; it must not be joined. */
  get abandoned(): boolean {
    return this.#controller.signal.aborted;
  }

  /** The last one has left, before the landing or after. */
  get deserted(): boolean {
    return this.#passengers === 0;
  }

  /**
   * Waits for the landing.
   * @returns the results, held by the caller
   * @throws what the work threw (a {@link FailedRun} with holds for the caller), or at once the reason why `passenger` had to leave
   */
  async join(passenger: Passenger, listener: FlightListener): Promise<Landing<R>> {
    const left = Promise.withResolvers<never>();
    const stay = passenger.onAbort(left.reject);
    this.#passengers++;
    const unlisten = this.#recorder.listen(listener);
    try {
      const landing = await Promise.race([this.#landing, left.promise]);
      return { ...landing, results: landing.results.map((result) => result.clone()) };
    } catch (error) {
      throw error instanceof FailedRun ? error.clone() : error;
    } finally {
      stay();
      unlisten();
      if (--this.#passengers === 0) {
        if (!this.#landed) this.#controller.abort(new DOMException("Nobody waits for this any more", "AbortError"));
        this.#emptied.resolve();
      }
    }
  }
}
