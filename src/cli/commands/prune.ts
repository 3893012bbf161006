import { timeoutFlag } from "../builders/flags.ts";
import { defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

/** The flags of `prune`. */
export const pruneFlags = {
  all: { kind: "bool", short: "a", usage: "Include internal/frontend images" },
  filter: { kind: "array", usage: "Provide filter values" },
  force: { kind: "bool", short: "f", usage: "Do not prompt for confirmation" },
  "keep-storage": { kind: "bytes", usage: "Amount of disk space to keep for cache", hidden: true },
  "max-used-space": { kind: "bytes", usage: "Maximum amount of disk space allowed to keep for cache" },
  "min-free-space": { kind: "bytes", usage: "Target amount of free disk space after pruning" },
  "reserved-space": { kind: "bytes", usage: "Amount of disk space always allowed to keep for cache" },
  verbose: { kind: "bool", usage: "Provide a more verbose output" },
  ...timeoutFlag,
} as const satisfies FlagTable;

/** `prune`: removes what a builder keeps on disk. */
export const pruneCommand = defineCommand({
  name: "prune",
  summary: "Remove build cache",
  args: { min: 0, max: 0 },
  flags: pruneFlags,
  run: async (invocation) => (await import("./prune-run.ts")).runPrune(invocation),
});
