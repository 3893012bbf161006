/**
 * What the engine keeps, and how it gets rid of it. {@link Housekeeping} lists records, prunes them when asked to, and applies a policy after builds;
 * `filter`, `plan` and `rule` decide, and touch nothing.
 */
export { Housekeeping } from "./housekeeping.ts";
export { KeptDirectories } from "./kept-directories.ts";
export type { RecordType, UsageRecord } from "./record.ts";
export { cacheMounts, gitRepositories, receivedDirectories, walkIndexes } from "./shelves.ts";
export { defaultPolicy, pruneRule, type PruneRule } from "./rule.ts";
