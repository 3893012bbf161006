import { timeoutFlag } from "../builders/flags.ts";
import { defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

/** The flags of `rm`. */
export const rmFlags = {
  "all-inactive": { kind: "bool", usage: "Remove all inactive builders" },
  force: { kind: "bool", short: "f", usage: "Do not prompt for confirmation" },
  "keep-daemon": { kind: "bool", usage: "Keep the BuildKit daemon running" },
  "keep-state": { kind: "bool", usage: "Keep BuildKit state" },
  ...timeoutFlag,
} as const satisfies FlagTable;

/** `rm`: builders, and their engines with them. */
export const rmCommand = defineCommand({
  name: "rm",
  summary: "Remove one or more builder instances",
  usage: "[OPTIONS] [NAME...]",
  args: { min: 0 },
  flags: rmFlags,
  run: async (invocation) => (await import("./rm-run.ts")).runRm(invocation),
});
