/** Containers that a client runs processes in while it leads a build. */
export { GatewayContainer } from "./container.ts";
export { GatewayContainers } from "./containers.ts";
export { StandardInput } from "./standard-input.ts";
export { execProcesses } from "./exec-processes.ts";
export { readContainerDirectory, readContainerFile, statContainerFile } from "./container-files.ts";
