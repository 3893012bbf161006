/**
 * How a result was made: what went in, who asked for it, which steps it took. Pure: values in, a document out; whoever runs builds fills a
 * {@link Capture} and says when the build began and ended.
 */
export { Capture } from "./capture.ts";
export { checkComplete } from "./complete.ts";
export type { BlobMaterial, GitMaterial, HttpMaterial, ImageMaterial } from "./materials.ts";
export { imagePackageUrl } from "./image-package-url.ts";
export { type BuildFacts, type KnownProvenance, type Predicate, predicateOf } from "./predicate.ts";
export { predicateText, predicateTypes } from "./predicate-text.ts";
export {
  type DescribedRequest,
  describeRequest,
  type FrontendRequest,
  isSameRequest,
} from "./request.ts";
export type { OutputLayers, StepGraph } from "./steps.ts";
export { type ProvenanceWishes, readProvenanceWishes } from "./wishes.ts";
