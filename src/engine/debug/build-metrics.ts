import type { control } from "../../api/mod.ts";
import { Counter, Histogram, type Metric } from "../../base/metrics/mod.ts";
import { timestampMs } from "../../base/protobuf/mod.ts";
import { codeOfNumber, goNameOfCode } from "../../rpc/mod.ts";

/** Builds take from milliseconds, with everything in the cache, to hours, with everything emulated. */
const bounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 3600, 7200];

/** What is counted of builds, under buildkitd's names. */
export class BuildMetrics {
  readonly #builds = new Counter({
    name: "buildkit_builds_total",
    help: "Builds that have ended, by status and, of those that failed, gRPC's code.",
  });
  readonly #steps = new Counter({
    name: "buildkit_builds_steps_total",
    help: "Steps of builds that have ended, by kind (completed, cached, total), and their warnings.",
  });
  readonly #duration = new Histogram({
    name: "buildkit_build_duration_seconds",
    help: "Time from the begin to the end of a build.",
    bounds,
  });
  get metrics(): readonly Metric[] {
    return [this.#builds, this.#steps, this.#duration];
  }
  /** Counts a build that has ended. */
  add(record: control.BuildHistoryRecord): void {
    const { error, CreatedAt: begin, CompletedAt: end } = record;
    const status = error ? "failure" : "success";
    this.#builds.add(1, error ? { status, error_code: goNameOfCode(codeOfNumber(error.code)) } : { status });
    this.#steps.add(record.numCompletedSteps, { kind: "completed" });
    this.#steps.add(record.numCachedSteps, { kind: "cached" });
    this.#steps.add(record.numTotalSteps, { kind: "total" });
    this.#steps.add(record.numWarnings, { kind: "warnings" });
    if (begin && end) this.#duration.observe((timestampMs(end) - timestampMs(begin)) / 1000, { status });
  }
}
