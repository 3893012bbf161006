import { encodeSpan, type ReportedSpan } from "./span-json.ts";

/** Bytes of JSON that are kept of one trace, and of all. */
const maxTraceBytes = 8 * 1024 * 1024;
const maxBytes = 32 * 1024 * 1024;
/** How long spans are kept that belong to no build that is being recorded: clients report some before the build begins. */
const strayMs = 60_000;

interface Trace {
  readonly spans: Uint8Array[];
  bytes: number;
  /** Builds that want them. */
  listeners: number;
  lastMs: number;
}

/** Spans of all traces that are under way, in memory and within bounds: what is too much is not kept. */
export class TraceRecorder {
  readonly #now: () => Date;
  readonly #onSpan: (span: ReportedSpan) => void;
  /** Those that nobody has added to for longest come first. */
  readonly #traces = new Map<string, Trace>();
  #bytes = 0;

  /** @param options.onSpan is told of each span that makes sense, whether there is room for it here or not */
  constructor(options: { readonly now: () => Date; readonly onSpan?: ((span: ReportedSpan) => void) | undefined }) {
    this.#now = options.now;
    this.#onSpan = options.onSpan ?? (() => undefined);
  }

  /** Keeps a span. @returns whether there was room, and sense in it */
  add(reported: ReportedSpan): boolean {
    const { traceId, spanId } = reported.span;
    if (traceId.byteLength !== 16 || spanId.byteLength !== 8) return false;
    this.#onSpan(reported);
    this.#dropStrays();
    const id = Buffer.from(traceId).toString("hex");
    const known = this.#traces.get(id);
    const json = encodeSpan(reported);
    if ((known?.bytes ?? 0) + json.byteLength > maxTraceBytes || this.#bytes + json.byteLength > maxBytes) return false;
    const kept = this.#touch(id);
    kept.spans.push(json);
    kept.bytes += json.byteLength;
    this.#bytes += json.byteLength;
    return true;
  }

  /** Keeps all spans of a trace from now on, until the listener is disposed of. */
  listen(traceId: string): { spans(): readonly Uint8Array[]; [Symbol.dispose](): void } {
    const kept = this.#touch(traceId);
    kept.listeners++;
    let isOpen = true;
    return {
      spans: () => [...kept.spans],
      [Symbol.dispose]: () => {
        if (!isOpen) return;
        isOpen = false;
        if (--kept.listeners === 0) this.#drop(traceId, kept);
      },
    };
  }

  #touch(id: string): Trace {
    const kept = this.#traces.get(id) ?? { spans: [], bytes: 0, listeners: 0, lastMs: 0 };
    kept.lastMs = this.#now().getTime();
    this.#traces.delete(id);
    this.#traces.set(id, kept);
    return kept;
  }

  #dropStrays(): void {
    const before = this.#now().getTime() - strayMs;
    for (const [id, kept] of this.#traces) {
      if (kept.listeners > 0) continue;
      // Where room is short strays go first, however fresh.
      if (kept.lastMs > before && this.#bytes < maxBytes / 2) return;
      this.#drop(id, kept);
    }
  }
  #drop(id: string, { bytes }: Trace): void {
    if (this.#traces.delete(id)) this.#bytes -= bytes;
  }
}
