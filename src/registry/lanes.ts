import { Semaphore } from "../base/async/mod.ts";

/** What a request is about. Reading and writing have places of their own, so that copying within a registry cannot lock itself out. */
export type Lane = "document" | "read" | "write";

const usualRequests = 4;

/** How many requests each registry gets at once. Clients that share it share the places. */
export class RegistryLanes {
  readonly #requests: number;
  readonly #places = new Map<string, Semaphore>();
  /** @param requests reads, and as many writes, to one host; small documents have one place more */
  constructor(requests: number = usualRequests) {
    this.#requests = requests;
  }
  /** Waits for a place; dispose of it when the answer's body is done with. @throws the signal's reason when it aborts first */
  async acquire(lane: Lane, host: string, options: { readonly signal: AbortSignal }): Promise<Disposable> {
    const key = `${lane} ${host}`;
    let places = this.#places.get(key);
    if (!places) {
      places = new Semaphore(lane === "document" ? this.#requests + 1 : this.#requests);
      this.#places.set(key, places);
    }
    return await places.acquire(options);
  }
}
