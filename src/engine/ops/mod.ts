/**
 * What the vertices of a definition do. {@link loadDefinition} turns LLB into a graph for the solver, one {@link Op} per kind:
 * sources (found by scheme among {@link OpDeps.sources}), processes, file operations decided on tables of contents, merges,
 * differences, nested builds.
 */
export type { ArchiveReader, OpDeps } from "./deps.ts";
export { definitionOf } from "./defined-vertex.ts";
export type { DiskUse } from "./disk-use.ts";
export type { OpEnvironment } from "./environment.ts";
export type { AskedFacts, Source, SourceFacts, SourceInstance, SourceKey, SourceMaterial } from "./source.ts";
export { loadDefinition, type LoadedDefinition } from "./load.ts";
export { followPath } from "./file/tree-path.ts";
export { cacheMountsOf } from "./exec/exec-op.ts";
export { type MountPlan, planAnyMounts, planMounts, type TreeMount } from "./exec/mount-plan.ts";
export { exitDetail } from "./exec/failure.ts";
export { planProcess } from "./exec/process.ts";
export { sshAgentOf } from "./exec/ssh-agent.ts";
export { Workspace } from "./exec/workspace.ts";
export { layerProgress } from "./layer-progress.ts";
