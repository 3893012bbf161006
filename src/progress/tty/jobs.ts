import { formatAmount } from "../format/bytes.ts";
import { isCanceled } from "../status.ts";
import { allStopped, type Interval } from "../view/intervals.ts";
import { type ProgressView, startedVertexes, type VertexView } from "../view/view.ts";

/** What became of a row. */
export type JobState = "running" | "done" | "canceled" | "failed";

/** One row of the display: a step, one item of a step, or a remark. */
export interface Job {
  readonly name: string;
  /** Amount done, for items. */
  readonly amount: string;
  readonly state: JobState;
  readonly intervals: readonly Interval[];
  /** Of a step's own row: the step, whose live log may be shown below. */
  readonly vertex?: VertexView;
}

/** All rows, steps in the order in which they started, each followed by its items and remarks. */
export function jobsOf(view: ProgressView): Job[] {
  return startedVertexes(view).flatMap((vertex) => [stepJob(vertex), ...itemJobs(vertex), ...warningJobs(vertex)]);
}

/** How many steps there are, and how many have ended. */
export function countSteps(view: ProgressView): { completed: number; total: number } {
  const vertexes = [...view.vertexes.values()];
  return { total: vertexes.length, completed: vertexes.filter(({ intervals }) => allStopped(intervals)).length };
}

function stepJob(vertex: VertexView): Job {
  const failed = vertex.error !== "";
  const canceled = failed && isCanceled(vertex.error);
  const mark = canceled ? "CANCELED " : failed ? "ERROR " : "";
  const stopped = allStopped(vertex.intervals);
  return {
    name: `${vertex.cached ? "CACHED " : ""}${mark}${vertex.name}`,
    amount: "",
    state: !stopped ? "running" : canceled ? "canceled" : failed ? "failed" : "done",
    intervals: vertex.intervals,
    vertex,
  };
}

function itemJobs(vertex: VertexView): Job[] {
  return vertex.statuses.map((item) => ({
    name: `=> ${item.id}`,
    amount: formatAmount(item.current, item.total),
    state: item.completed === undefined ? "running" : "done",
    intervals:
      item.started === undefined
        ? []
        : [{ start: item.started, ...(item.completed === undefined ? {} : { stop: item.completed }) }],
  }));
}

function warningJobs(vertex: VertexView): Job[] {
  return vertex.warnings.map((warning) => ({
    name: `WARN: ${Buffer.from(warning.short).toString("utf8")}`,
    amount: "",
    state: "canceled",
    intervals: vertex.intervals.slice(-1),
  }));
}
