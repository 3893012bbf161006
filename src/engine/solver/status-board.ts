import type { Digest } from "../../oci/mod.ts";
import { EventLog } from "./event-log.ts";
import { progressOver } from "./flight-recorder.ts";
import type { StatusEvent, VertexProgress, VertexStatus } from "./progress.ts";

/** What is known of a vertex before anything happens to it. */
export type VertexAnnouncement = Pick<VertexStatus, "digest" | "name" | "inputs" | "progressGroup">;

/** The state of every vertex of a job, and the log of how it came about. Follows the rules of BuildKit's Status stream. */
export class StatusBoard {
  readonly #now: () => Date;
  readonly #vertices = new Map<Digest, VertexStatus>();
  readonly #log = new EventLog<StatusEvent>();

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** All events from the first one on; ends after {@link close}. */
  events(): AsyncIterable<StatusEvent> {
    return { [Symbol.asyncIterator]: () => this.#log.read() };
  }

  /** Lists a vertex that may or may not come to work. Does nothing for one that is known. */
  announce(vertex: VertexAnnouncement): void {
    if (this.#vertices.has(vertex.digest)) return;
    this.#set({ ...vertex, cached: false });
  }

  started(digest: Digest, at = this.#now()): void {
    const { completed: _completed, error: _error, ...vertex } = this.#get(digest);
    this.#set({ ...vertex, cached: false, started: at });
  }

  completed(digest: Digest, options: { at?: Date; error?: string } = {}): void {
    const vertex = this.#get(digest);
    const at = options.at ?? this.#now();
    const error = options.error === undefined ? {} : { error: options.error };
    this.#set({ ...vertex, started: vertex.started ?? at, completed: at, ...error });
  }

  /** Answered from the cache: began and ended now. */
  cached(digest: Digest): void {
    const { error: _error, ...vertex } = this.#get(digest);
    const at = this.#now();
    this.#set({ ...vertex, cached: true, started: at, completed: at });
  }

  /** Progress of one vertex, as ops report it. */
  progressOf(vertex: Digest): VertexProgress {
    return progressOver(this.#now, (event) => this.append({ ...event, vertex }));
  }

  /** Adds an event that changes no vertex. */
  append(event: Exclude<StatusEvent, { type: "vertex" }>): void {
    this.#log.push(event);
  }

  /** Ends the log; what was under way is reported as cancelled. */
  close(): void {
    for (const vertex of this.#vertices.values()) {
      if (vertex.started && !vertex.completed) this.completed(vertex.digest, { error: "context canceled" });
    }
    this.#log.close();
  }

  #get(digest: Digest): VertexStatus {
    const vertex = this.#vertices.get(digest);
    if (!vertex) throw new Error(`Internal error: vertex ${digest} was not announced`);
    return vertex;
  }

  #set(vertex: VertexStatus): void {
    if (vertex.started) this.#markInputsCached(vertex, vertex.started);
    this.#vertices.set(vertex.digest, vertex);
    this.#log.push({ type: "vertex", vertex });
  }

  /**
   * When a vertex starts, whatever it stands on that has not come to work was evidently not needed: it counts as cached. Should it
   * work after all (another vertex wants it), it is reported anew.
   */
  #markInputsCached(consumer: VertexStatus, at: Date): void {
    const idle: VertexStatus[] = [];
    const seen = new Set<Digest>();
    const queue = [...consumer.inputs];
    for (let digest = queue.pop(); digest !== undefined; digest = queue.pop()) {
      const vertex = this.#vertices.get(digest);
      if (!vertex || vertex.cached || vertex.completed || seen.has(digest)) continue;
      seen.add(digest);
      idle.push({ ...vertex, cached: true, started: at, completed: at });
      for (const input of vertex.inputs) queue.push(input); // maybe more than a call takes arguments
    }
    for (const vertex of idle.reverse()) {
      this.#vertices.set(vertex.digest, vertex);
      this.#log.push({ type: "vertex", vertex });
    }
  }
}
