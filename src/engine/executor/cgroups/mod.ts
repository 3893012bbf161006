/** Cgroups of containers: limits of a parent, the guard of device nodes, and the counter of the kernel's out-of-memory killer. */
export type { Cgroups, ContainerCgroup } from "./cgroups.ts";
export { cannotLimit, runtimeResources } from "./limits.ts";
export { openCgroups } from "./open.ts";
