import { Session } from "node:inspector/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { BuildError } from "../../../base/errors/mod.ts";
import { cpuProfile } from "./cpu.ts";
import { heapProfile } from "./heap.ts";

/** One object in so many bytes is looked at, as Go does it. */
const heapIntervalBytes = 512 * 1024;

/** V8's own profilers, of the main thread: it is there where the engine decides. */
export class Profilers implements Disposable {
  readonly #session = new Session();
  readonly #startedAt = new Date();
  #isProfiling = false;

  /** Connects to V8, and has it note from now on who takes memory. */
  static async open(): Promise<Profilers> {
    const profilers = new Profilers();
    profilers.#session.connect();
    await profilers.#session.post("HeapProfiler.startSampling", { samplingInterval: heapIntervalBytes });
    return profilers;
  }

  /**
   * Where processor time goes for the next `ms`, as pprof reads it.
   * @throws {BuildError} `failed_precondition` while somebody else does so
   */
  async cpu(ms: number, { signal }: { readonly signal: AbortSignal }): Promise<Uint8Array> {
    if (this.#isProfiling) {
      throw new BuildError("failed_precondition", "Could not enable CPU profiling: cpu profiling already in use");
    }
    this.#isProfiling = true;
    try {
      await this.#session.post("Profiler.enable");
      await this.#session.post("Profiler.start");
      const startedAt = new Date();
      await sleep(ms, undefined, { signal }).catch(() => undefined); // it must be stopped, whether or not somebody still wants it
      const { profile } = await this.#session.post("Profiler.stop");
      return cpuProfile(profile, startedAt);
    } finally {
      await this.#session.post("Profiler.disable");
      this.#isProfiling = false;
    }
  }

  /** Who holds memory that was taken since the profilers were opened, as pprof reads it. */
  async heap(): Promise<Uint8Array> {
    const { profile } = await this.#session.post("HeapProfiler.getSamplingProfile");
    return heapProfile(profile.head, { startedAt: this.#startedAt, intervalBytes: heapIntervalBytes });
  }

  /** Removes what nobody holds any more. */
  async collectGarbage(): Promise<void> {
    await this.#session.post("HeapProfiler.collectGarbage");
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }
}
