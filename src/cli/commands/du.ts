import { timeoutFlag } from "../builders/flags.ts";
import { defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

/** The flags of `du`. */
export const duFlags = {
  filter: { kind: "array", usage: "Provide filter values" },
  format: { kind: "string", usage: "Format the output" },
  verbose: { kind: "bool", usage: 'Shorthand for "--format=pretty"' },
  ...timeoutFlag,
} as const satisfies FlagTable;

/** `du`: what a builder keeps on disk. */
export const duCommand = defineCommand({
  name: "du",
  summary: "Disk usage",
  args: { min: 0, max: 0 },
  flags: duFlags,
  run: async (invocation) => (await import("./du-run.ts")).runDu(invocation),
});
