import type { Semaphore } from "../../base/async/mod.ts";
import type { Passenger } from "./flight.ts";
import type { FlightTable } from "./flight-table.ts";
import type { CacheStore, Result } from "./op.ts";
import type { StatusBoard } from "./status-board.ts";

/** What the vertices of a job share with it. */
export interface JobScope<R extends Result, C> extends Passenger {
  readonly environment: C;
  readonly board: StatusBoard;
  readonly cache: CacheStore<R>;
  readonly flights: FlightTable<R>;
  readonly pools: ReadonlyMap<string, Semaphore>;
  readonly now: () => Date;
  /**
   * Takes over holds, until the job is closed.
   * @throws the reason of the job's end when it is closed; the results are released then as well
   */
  hold(...results: readonly R[]): void;
  /** Makes the job's closing wait for `work`. */
  track(work: Promise<unknown>): void;
}

/** A promise that many may await, or nobody: its rejection is never "unhandled". */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
