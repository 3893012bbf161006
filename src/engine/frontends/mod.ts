/**
 * Frontends: from what people write to the graph that the solver runs. A frontend sees the engine only through a {@link Bridge}.
 */
export type {
  Bridge,
  BridgeFileStat,
  BridgeRef,
  Frontend,
  FrontendResult,
  FrontendResultRef,
  FrontendWarning,
  ImageResolveMode,
  ResolvedImageConfig,
  SourceTime,
} from "./bridge.ts";
export { dockerfileFrontend, dockerfileVersion, isBuiltinFrontend } from "./dockerfile/mod.ts";
