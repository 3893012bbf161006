/**
 * The build graph at work: finds each wanted result in the cache by key, or makes it, once, whoever else wants it at the same time.
 *
 * Generic over {@link Result}: it knows neither LLB nor files nor processes, and takes its clock from outside.
 *
 * ```ts
 * const solver = new Solver<Ref, Environment>({ cache, pools: { exec: 4 } });
 * const job = solver.openJob("id", { environment, signal });
 * const result = await job.build({ vertex, index: 0 }); // ours to release
 * await job.close();
 * ```
 */
export { FailedRun } from "./failed-run.ts";
export { UnreadableInput } from "./unreadable-input.ts";
export { VertexError } from "./vertex-error.ts";
export type {
  CacheMap,
  CacheRecord,
  CacheSource,
  CacheStore,
  Edge,
  InputKey,
  KnownOutput,
  Op,
  OpContext,
  Result,
  Vertex,
} from "./op.ts";
export type { StatusEvent, VertexProgress, VertexStatus, WarningSource } from "./progress.ts";
export { Solver, type SolverOptions } from "./solver.ts";
export type { Job, JobOptions } from "./job.ts";
export type { VertexHandle } from "./vertex-handle.ts";
