/**
 * What engines remember of builds, over all nodes of a builder: which there were, what was asked for, what they said and made.
 */
export {
  type Attachment,
  findAttachment,
  listAttachments,
  readAttachment,
} from "./attachments.ts";
export { askedFor, type AskedFor, type NameValue } from "./build-config.ts";
export { type RecordedFailure, recordedFailure } from "./build-error.ts";
export { buildFilters } from "./build-filters.ts";
export type { LocalBuild } from "./build-name.ts";
export {
  type BuildRecord,
  type BuildStatus,
  durationNs,
  type HistoryNode,
  type HistoryPlace,
  queryBuilds,
} from "./build-record.ts";
export { writeBundle } from "./bundle/write-bundle.ts";
export { findBuild } from "./find-builds.ts";
export type { JaegerSpan, JaegerTag, JaegerTrace } from "./traces/jaeger.ts";
export { listMaterials, type Material } from "./materials.ts";
export { finalized, loadTrace } from "./traces/load-trace.ts";
export { tracePage } from "./traces/trace-page.ts";
