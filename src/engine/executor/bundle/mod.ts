/** What a runtime is told about a process: OCI runtime configs, and the directories that they are in. */
export { completeEnvironment } from "./environment.ts";
export { Bundles } from "./bundle.ts";
export { capabilitiesOf } from "./capabilities.ts";
export { type ConfigInputs, configMounts, processConfig, runtimeConfig } from "./config.ts";
export { deviceConfig, withDeviceVariables } from "./device-edits.ts";
export { runtimeLimits } from "./limits.ts";
export type { RuntimeMount } from "./mounts.ts";
