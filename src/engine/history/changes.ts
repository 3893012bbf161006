import type { control } from "../../api/mod.ts";

/** One change of a record, with the record as it is then. */
export interface RecordChange {
  readonly type: control.BuildHistoryEventType;
  readonly record: control.BuildHistoryRecord;
}

/** Tells any number of readers what changes. A reader that is slow misses steps in between, never the last state of a record. */
export class Changes {
  readonly #readers = new Set<{ readonly waiting: Map<string, RecordChange>; wake: () => void }>();

  tell(change: RecordChange): void {
    for (const reader of this.#readers) {
      reader.waiting.delete(change.record.Ref);
      reader.waiting.set(change.record.Ref, change);
      reader.wake();
    }
  }

  /** Begins to listen at once, not at the first step of the iteration. Ends without an error when the signal aborts. */
  listen(signal: AbortSignal): AsyncGenerator<RecordChange> {
    const reader = { waiting: new Map<string, RecordChange>(), wake: () => {} };
    this.#readers.add(reader);
    const stop = () => {
      this.#readers.delete(reader);
      reader.wake();
    };
    signal.addEventListener("abort", stop, { once: true });
    return this.#read(reader, signal, stop);
  }

  async *#read(
    reader: { readonly waiting: Map<string, RecordChange>; wake: () => void },
    signal: AbortSignal,
    stop: () => void,
  ): AsyncGenerator<RecordChange> {
    try {
      while (!signal.aborted) {
        for (const [ref, change] of reader.waiting) {
          reader.waiting.delete(ref);
          yield change;
        }
        if (reader.waiting.size > 0 || signal.aborted) continue;
        await new Promise<void>((resolve) => {
          reader.wake = resolve;
        });
      }
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
    }
  }
}
