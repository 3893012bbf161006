/**
 * Working on images where they lie, in registries: looking at them ({@link inspectImage}) and making new ones of them without building
 * ({@link createMergedIndex}).
 */
export { type Annotation, type AnnotationTarget, parseAnnotation } from "./create/annotations.ts";
export { createMergedIndex, mergeImage, type MergeOptions, type PushEvent, pushMerged } from "./create/create.ts";
export type { Merged } from "./create/merge.ts";
export { parseSource, placeSources, resolveSource, type Source, type SourceText } from "./create/source.ts";
export { inspectImage, type InspectOptions, inspectRaw } from "./inspect/inspect.ts";
