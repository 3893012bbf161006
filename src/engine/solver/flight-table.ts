import type { Digest } from "../../oci/mod.ts";
import type { Flight } from "./flight.ts";
import { isShareable, type Key } from "./key.ts";
import type { Result } from "./op.ts";

/** The runs under way in all jobs, by every key that names their work. */
export class FlightTable<R extends Result> {
  readonly #flights = new Map<Digest, Flight<R>>();
  #landings = 0;

  /** How many runs have ended so far. Grown between a lookup's miss and now: the result may have been stored meanwhile. */
  get landings(): number {
    return this.#landings;
  }

  /** A run under way that may be joined for any of `keys`. */
  find(keys: readonly Key[]): Flight<R> | undefined {
    for (const key of keys) {
      const flight = isShareable(key) ? this.#flights.get(key.digest) : undefined;
      if (flight && !flight.abandoned) return flight;
    }
    return undefined;
  }

  add(keys: readonly Key[], flight: Flight<R>): void {
    for (const key of keys) if (isShareable(key)) this.#flights.set(key.digest, flight);
  }

  /** Call when the run has ended and what it made is stored. */
  remove(keys: readonly Key[], flight: Flight<R>): void {
    this.#landings++;
    for (const key of keys) if (this.#flights.get(key.digest) === flight) this.#flights.delete(key.digest);
  }
}
