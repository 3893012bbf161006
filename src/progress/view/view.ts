import type { Nanos, VertexWarning } from "../status.ts";
import type { Interval } from "./intervals.ts";

/** One item of a step, as last heard of. */
export interface StatusView {
  readonly id: string;
  readonly current: bigint;
  readonly total: bigint;
  readonly started?: Nanos;
  readonly completed?: Nanos;
}

/** One step, as last heard of. A group of steps is one step of this kind. */
export interface VertexView {
  readonly digest: string;
  /** Number of the step in the order in which steps were announced, from 1. */
  readonly index: number;
  /** Place in the order in which steps first started, from 0; absent while the step has not started. */
  readonly order?: number;
  readonly name: string;
  readonly cached: boolean;
  readonly error: string;
  readonly intervals: readonly Interval[];
  /** In the order in which they were first heard of. */
  readonly statuses: readonly StatusView[];
  readonly warnings: readonly VertexWarning[];
  /** Of a group: its steps by digest, as last heard of. */
  readonly members?: ReadonlyMap<string, Member>;
}

/** A step that is shown as part of its group. */
export interface Member {
  readonly started?: Nanos;
  readonly completed?: Nanos;
  readonly cached: boolean;
  readonly error: string;
}

/** All that is known of a build's progress, except logs. A value: each message gives a new one. */
export interface ProgressView {
  /** When the first step started. */
  readonly startedAt?: Nanos;
  /** By digest, in the order of announcement. */
  readonly vertexes: ReadonlyMap<string, VertexView>;
  /** For a step that belongs to a group, the group's key in `vertexes`. */
  readonly groupOf: ReadonlyMap<string, string>;
  readonly startedCount: number;
}

/** Before the first message. */
export const emptyView: ProgressView = { vertexes: new Map(), groupOf: new Map(), startedCount: 0 };

/** The step that `digest` is shown as. */
export function shownVertex(view: ProgressView, digest: string): VertexView | undefined {
  return view.vertexes.get(view.groupOf.get(digest) ?? digest);
}

/** The steps that have started, in the order in which they did. */
export function startedVertexes(view: ProgressView): VertexView[] {
  const started = [...view.vertexes.values()].filter((vertex) => vertex.order !== undefined);
  return started.toSorted((a, b) => (a.order ?? 0) - (b.order ?? 0));
}
