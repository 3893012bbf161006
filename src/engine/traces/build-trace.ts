import { messageOf } from "../../base/errors/mod.ts";
import type { Timestamp } from "../../base/protobuf/mod.ts";
import type { control } from "../../api/mod.ts";
import { nanoseconds, ownSpan } from "./own-span.ts";
import { namedSpan, newSpan, type TraceContext } from "./trace-context.ts";
import type { TraceRecorder } from "./trace-recorder.ts";

/**
 * What took how long in one build: a span for the whole, one for each step that has worked, and below a step those parts of it that it tells the
 * beginning and the end of (a layer that is downloaded). Steps that were found in the cache took no time, and are left out.
 */
export class BuildTrace implements Disposable {
  /** The whole build. */
  readonly self: TraceContext;
  readonly #parent: TraceContext | undefined;
  readonly #recorder: TraceRecorder;
  readonly #listener: ReturnType<TraceRecorder["listen"]>;
  readonly #now: () => Date;
  readonly #beganMs: number;
  readonly #ids = new Set<string>();

  /** @param options.parent the caller's span, when it has one */
  constructor(
    recorder: TraceRecorder,
    { parent, now }: { readonly parent: TraceContext | undefined; readonly now: () => Date },
  ) {
    this.#recorder = recorder;
    this.#parent = parent;
    this.self = newSpan(parent);
    this.#listener = recorder.listen(this.self.traceId);
    this.#now = now;
    this.#beganMs = now().getTime();
  }

  /** The span of a step, which those who work for it name as their parent. */
  step(vertex: string): TraceContext {
    return namedSpan(this.self, vertex);
  }

  /** Takes note of what a build tells of itself. */
  observe({ vertexes, statuses }: Pick<control.StatusResponse, "vertexes" | "statuses">): void {
    for (const { digest, name, cached, started, completed, error } of vertexes) {
      if (cached || !started || !completed) continue;
      this.#recorder.add(
        ownSpan({
          self: this.#once(this.step(digest)),
          parent: this.self,
          name,
          startNs: toNanoseconds(started),
          endNs: toNanoseconds(completed),
          attributes: { vertex: digest },
          error: error === "" ? undefined : error,
        }),
      );
    }
    for (const { ID, vertex, name, started, completed } of statuses) {
      if (!started || !completed) continue;
      const parent = this.step(vertex);
      this.#recorder.add(
        ownSpan({
          self: this.#once(namedSpan(parent, `${ID} ${name}`)),
          parent,
          name: name === "" ? ID : `${name} ${ID}`,
          startNs: toNanoseconds(started),
          endNs: toNanoseconds(completed),
        }),
      );
    }
  }

  /** A step may work several times (it is looked at first, for instance); the first span has the id that others may know. */
  #once(span: TraceContext): TraceContext {
    if (this.#ids.has(span.spanId)) return newSpan(span);
    this.#ids.add(span.spanId);
    return span;
  }

  /** The build has ended. */
  end(failure: unknown): void {
    this.#recorder.add(
      ownSpan({
        self: this.self,
        parent: this.#parent,
        name: "moby.buildkit.v1.Control/Solve",
        isCall: true,
        startNs: nanoseconds(this.#beganMs),
        endNs: nanoseconds(this.#now().getTime()),
        attributes: { "rpc.system": "grpc", "rpc.service": "moby.buildkit.v1.Control", "rpc.method": "Solve" },
        error: failure === undefined ? undefined : messageOf(failure),
      }),
    );
  }

  /** All that is known by now of the trace, each span as a line of JSON. */
  spans(): readonly Uint8Array[] {
    return this.#listener.spans();
  }

  [Symbol.dispose](): void {
    this.#listener[Symbol.dispose]();
  }
}

function toNanoseconds({ seconds, nanos }: Timestamp): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}
