/**
 * Working on images where they lie, in registries: looking at them ({@link inspectImage}) and making new ones of them without building
 * ({@link createMergedIndex}).
 */
export { type Annotation, type AnnotationTarget, parseAnnotation } from "./create/annotations.ts";
export { createMergedIndex, mergeImage, type MergeOptions, type PushEvent } from "./create/create.ts";
export type { Merged } from "./create/merge.ts";
export { type CompatibleOptions, pushCompatibly, type PushedCompatibly } from "./create/push-compatibly.ts";
export { lookPatiently } from "./create/just-pushed.ts";
export {
  knownSource,
  parseSource,
  placeSources,
  resolveSource,
  type Source,
  type SourceText,
} from "./create/source.ts";
export { type DetailsOptions, inspectDetails, inspectDetailsRaw, type Inspection } from "./details/inspect-details.ts";
export { inspectImage, type InspectOptions, inspectRaw } from "./inspect/inspect.ts";
export { annotateEntry } from "./manifest-list/annotate.ts";
export { listDocument, type ListDocument, listOf } from "./manifest-list/document.ts";
export { entryToJson, type ListEntry } from "./manifest-list/entry.ts";
export { pushManifestList } from "./manifest-list/push.ts";
export { asEntry, fetchEntry, fetchListed, fetchNamed } from "./manifest-list/remote.ts";
export { ManifestListStore, noSuchManifest } from "./manifest-list/store.ts";
