import type { StatusEvent, VertexProgress } from "./progress.ts";

type WithoutVertex<E> = E extends unknown ? Omit<E, "vertex"> : never;

/** One thing said by a run, not yet bound to a vertex: each job hears it under its own. */
export type FlightEvent =
  | { readonly type: "started"; readonly at: Date }
  | { readonly type: "event"; readonly event: WithoutVertex<Exclude<StatusEvent, { type: "vertex" }>> };

/** Hears what a run says. */
export type FlightListener = (event: FlightEvent) => void;

/** Keeps what a run says while it lasts, so that those who join late hear all of it. */
export class FlightRecorder {
  /** Given to the op. */
  readonly progress: VertexProgress;
  readonly #now: () => Date;
  readonly #listeners = new Set<FlightListener>();
  #events: FlightEvent[] = [];
  #over = false;

  constructor(now: () => Date) {
    this.#now = now;
    this.progress = progressOver(now, (event) => this.#say({ type: "event", event }));
  }

  /** Says everything again from the start, then what comes. The function returned ends it. */
  listen(listener: FlightListener): () => void {
    for (const event of this.#events) listener(event);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The work itself begins now. */
  started(): void {
    this.#say({ type: "started", at: this.#now() });
  }

  /** The run has ended: nobody can join any more, so the record is dropped. */
  ended(): void {
    this.#over = true;
    this.#events = [];
  }

  #say(event: FlightEvent): void {
    if (this.#over) return;
    this.#events.push(event);
    for (const listener of this.#listeners) listener(event);
  }
}

/** Turns what an op reports into events. */
export function progressOver(
  now: () => Date,
  say: (event: WithoutVertex<Exclude<StatusEvent, { type: "vertex" }>>) => void,
): VertexProgress {
  return {
    log: (stream, data) => say({ type: "log", stream, data, at: now() }),
    status: ({ id, name = "", current = 0, total = 0, ...times }) =>
      say({ type: "status", id, name, current, total, at: now(), ...times }),
    warn: ({ level = 1, detail = [], ...warning }) => say({ type: "warning", level, detail, ...warning }),
  };
}
