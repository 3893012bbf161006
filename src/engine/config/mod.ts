/**
 * What can be told to an engine: buildkitd's flags and its buildkitd.toml become one typed, checked {@link EngineConfig}. What this
 * engine does not have is named in a warning where that is harmless, and refused where a build could go wrong for it.
 */
export type { ListenAddress } from "./address.ts";
export type { DnsConfig, EngineConfig, ServerTls } from "./engine-config.ts";
export type { DiskSpace, GcBounds, GcConfig, GcRule } from "./gc.ts";
export type { FrontendConfig } from "./frontends.ts";
export type { HistoryConfig } from "./history.ts";
export type { SystemConfig } from "./system.ts";
export type { EngineFlags } from "./engine-flags.ts";
export { type FixedSetting, fixedSettings } from "./fixed-settings.ts";
export { type ConfigSurroundings, defaultConfigFiles, loadEngineConfig } from "./load-config.ts";
