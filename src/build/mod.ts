/**
 * One build request: options in the user's words → what to ask the engine for ({@link prepareBuild}, which knows no engine) → the engine's work,
 * served through a session ({@link runBuild}) → what to tell of it. Where several nodes do the work, {@link runFarm} is what runs it.
 */
export type { BuildOptions } from "./build-options.ts";
export type { BuildEvent, ClientStep } from "./events.ts";
export { checkDestinationFile } from "./outputs/check-targets.ts";
export { type Output, parseOutput } from "./outputs/output.ts";
export type { OutputTarget, PlannedOutput } from "./outputs/plan-outputs.ts";
export { attestOf } from "./request/attestations.ts";
export { fullPlatforms } from "./request/names.ts";
export { prepareBuild, type PreparedBuild, type PrepareEnvironment } from "./prepare-build.ts";
export {
  FarmNode,
  type FarmNodeOptions,
  type FarmResult,
  type FarmSurroundings,
  type MergeRequest,
  NodeLostError,
  type PushedImage,
  runFarm,
} from "./farm/mod.ts";
export { type BuildResult, imageId, metadataJson } from "./result.ts";
export { askFrontend } from "./ask-frontend.ts";
export { type ProvenanceMode, provenanceMode } from "./provenance/mod.ts";
export { type BuildSurroundings, runBuild } from "./run-build.ts";
