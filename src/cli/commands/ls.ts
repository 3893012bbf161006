import { timeoutFlag } from "../builders/flags.ts";
import { defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

/** The flags of `ls`. */
export const lsFlags = {
  format: { kind: "string", usage: "Format the output", default: "table" },
  "no-trunc": { kind: "bool", usage: "Don't truncate output" },
  ...timeoutFlag,
} as const satisfies FlagTable;

/** `ls`: all builders with their nodes. */
export const lsCommand = defineCommand({
  name: "ls",
  summary: "List builder instances",
  args: { min: 0, max: 0 },
  flags: lsFlags,
  run: async (invocation) => (await import("./ls-run.ts")).runLs(invocation),
});
