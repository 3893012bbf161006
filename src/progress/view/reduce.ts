import type { SolveStatus, Vertex, VertexStatus, VertexWarning } from "../status.ts";
import { addInterval } from "./intervals.ts";
import type { ProgressView, StatusView, VertexView } from "./view.ts";

/** What changed between two views. */
export interface Reduction {
  readonly view: ProgressView;
  /** Keys in `view.vertexes` of the steps that this message speaks of, logs included, in the order of speaking. */
  readonly touched: readonly string[];
}

/** The view after one more message. Pure; steps that the message does not speak of are shared with the old view. */
export function reduce(view: ProgressView, status: SolveStatus): Reduction {
  const draft: Draft = {
    startedAt: view.startedAt,
    vertexes: new Map(view.vertexes),
    groupOf: view.groupOf,
    startedCount: view.startedCount,
    touched: new Set(),
  };
  for (const vertex of status.vertexes) applyVertex(draft, vertex);
  for (const item of status.statuses) applyStatus(draft, item);
  for (const warning of status.warnings) applyWarning(draft, warning);
  for (const { vertex } of status.logs)
    if (draft.vertexes.has(keyOf(draft, vertex))) draft.touched.add(keyOf(draft, vertex));
  const { startedAt, vertexes, groupOf, startedCount } = draft;
  return {
    view: { vertexes, groupOf, startedCount, ...(startedAt === undefined ? {} : { startedAt }) },
    touched: [...draft.touched],
  };
}

interface Draft {
  startedAt: bigint | undefined;
  readonly vertexes: Map<string, VertexView>;
  groupOf: ReadonlyMap<string, string>;
  startedCount: number;
  readonly touched: Set<string>;
}

function keyOf(draft: Draft, digest: string): string {
  return draft.groupOf.get(digest) ?? digest;
}

function applyVertex(draft: Draft, vertex: Vertex): void {
  draft.startedAt ??= vertex.started;
  if (vertex.progressGroup) return applyMember(draft, vertex, vertex.progressGroup);
  const old = draft.vertexes.get(vertex.digest) ?? fresh(draft, vertex.digest, vertex.name);
  draft.touched.add(vertex.digest);
  // A step is announced again whenever something new depends on it: that must not take back what it has done since.
  if (old.order !== undefined && vertex.started === undefined) {
    draft.vertexes.set(vertex.digest, old);
    return;
  }
  draft.vertexes.set(vertex.digest, {
    ...old,
    ...ran(draft, old, vertex),
    name: vertex.name,
    cached: vertex.cached,
    error: vertex.error,
  });
}

/** Steps of one group: the group runs while any of its steps runs, and is cached when all of them are. */
function applyMember(draft: Draft, vertex: Vertex, group: NonNullable<Vertex["progressGroup"]>): void {
  const key = `group:${group.id}`;
  if (draft.groupOf.get(vertex.digest) !== key) draft.groupOf = new Map(draft.groupOf).set(vertex.digest, key);
  const old = draft.vertexes.get(key) ?? fresh(draft, key, group.name);
  const { started, completed, cached, error } = vertex;
  const members = new Map(old.members).set(vertex.digest, {
    cached,
    error,
    ...(started === undefined ? {} : { started }),
    ...(completed === undefined ? {} : { completed }),
  });
  const all = [...members.values()];
  draft.touched.add(key);
  draft.vertexes.set(key, {
    ...old,
    ...ran(draft, old, vertex),
    members,
    cached: all.every((member) => member.cached),
    error: all.find((member) => member.error !== "")?.error ?? "",
  });
}

function fresh(draft: Draft, digest: string, name: string): VertexView {
  const index = draft.vertexes.size + 1;
  return { digest, index, name, cached: false, error: "", intervals: [], statuses: [], warnings: [] };
}

function ran(draft: Draft, old: VertexView, vertex: Vertex): Pick<VertexView, "intervals" | "order"> {
  if (vertex.started === undefined)
    return { intervals: old.intervals, ...(old.order === undefined ? {} : { order: old.order }) };
  const interval = { start: vertex.started, ...(vertex.completed === undefined ? {} : { stop: vertex.completed }) };
  return { intervals: addInterval(old.intervals, interval), order: old.order ?? draft.startedCount++ };
}

function applyStatus(draft: Draft, item: VertexStatus): void {
  const key = keyOf(draft, item.vertex);
  const vertex = draft.vertexes.get(key);
  if (!vertex) return; // of a step that nobody announced
  const view: StatusView = {
    id: item.id,
    current: item.current,
    total: item.total,
    ...(item.started === undefined ? {} : { started: item.started }),
    ...(item.completed === undefined ? {} : { completed: item.completed }),
  };
  const at = vertex.statuses.findIndex(({ id }) => id === item.id);
  draft.vertexes.set(key, {
    ...vertex,
    statuses: at < 0 ? [...vertex.statuses, view] : vertex.statuses.with(at, view),
  });
  draft.touched.add(key);
}

function applyWarning(draft: Draft, warning: VertexWarning): void {
  const key = keyOf(draft, warning.vertex);
  const vertex = draft.vertexes.get(key);
  if (!vertex) return;
  draft.vertexes.set(key, { ...vertex, warnings: [...vertex.warnings, warning] });
  draft.touched.add(key);
}
