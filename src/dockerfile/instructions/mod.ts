/** Instructions as typed values, checked as far as that goes without knowing variables. */
export { formatDurationNs } from "./duration.ts";
export { type CacheSharing, type MountType, resolveMount, type RunMount, type RunMountText } from "./mounts.ts";
export { parseInstruction, parseInstructions } from "./parse.ts";
export type * from "./types.ts";
