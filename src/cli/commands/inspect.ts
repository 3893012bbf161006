import { timeoutFlag } from "../builders/flags.ts";
import { defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

/** The flags of `inspect`. */
export const inspectFlags = {
  bootstrap: { kind: "bool", usage: "Ensure builder has booted before inspecting" },
  ...timeoutFlag,
} as const satisfies FlagTable;

/** `inspect`: all about one builder. */
export const inspectCommand = defineCommand({
  name: "inspect",
  summary: "Inspect current builder instance",
  usage: "[NAME]",
  args: { min: 0, max: 1 },
  flags: inspectFlags,
  run: async (invocation) => (await import("./inspect-run.ts")).runInspect(invocation),
});
