/**
 * Builders and the nodes behind them. {@link Builders} has all of them: those that were created ({@link BuilderStore}, in buildx's own files), one
 * for each Docker context, and that of our own engine. A {@link Driver} is a way to have an engine and to get a byte stream to it; what is said on
 * that stream is the same for all of them.
 */
export { type Assignment, type AssignableNode, assignPlatforms, type Share } from "./assign-platforms.ts";
export { bootNodes } from "./boot.ts";
export { type Builder, embeddedBuilder } from "./builder.ts";
export { Builders, type BuilderSurroundings } from "./builders.ts";
export { clientOf, connectNode } from "./connect-node.ts";
export { createBuilder, type CreatedBuilder, type CreateOptions, leaveBuilder } from "./create.ts";
export type {
  BootCall,
  BootEvent,
  Driver,
  DriverCall,
  DriverFeatures,
  DriverInput,
  DriverKind,
  NodeConfig,
  NodeState,
  OpenDriver,
  RemoveCall,
} from "./driver.ts";
export {
  loadBuilder,
  withInstances,
  type LoadedBuilder,
  type LoadedNode,
  loadNode,
  type NodeStatus,
  type OpenNode,
  openNodes,
  platformsOf,
} from "./node-status.ts";
export { type DriverTable } from "./open-driver.ts";
export { type RegistrySettings, registrySettings } from "./registry-settings.ts";
export { removeBuilder, removeInactive, stopBuilder } from "./remove.ts";
export { selectBuilder } from "./use.ts";
export { type BuilderNode, type BuilderRecord, BuilderStore } from "./store/mod.ts";
export { type NeededFeature, requireFeature } from "./drivers/require-feature.ts";
export { embeddedDriver, type EmbeddedDriverOptions } from "./drivers/embedded/embedded-driver.ts";
export { type EnginePaths, enginePaths } from "./drivers/embedded/paths.ts";
