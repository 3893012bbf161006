/**
 * Builders and the nodes behind them. A {@link Driver} is a way to have an engine and to get a byte stream to it; what is said on that stream
 * is the same for all of them.
 */
export { connectNode } from "./connect-node.ts";
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
export { defaultBuilder, requireBuilder } from "./select.ts";
export { embeddedDriver, type EmbeddedDriverOptions } from "./drivers/embedded/embedded-driver.ts";
export { type EnginePaths, enginePaths } from "./drivers/embedded/paths.ts";
