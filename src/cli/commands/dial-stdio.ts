import { defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

/** The flags of `dial-stdio`. */
export const dialStdioFlags = {
  platform: { kind: "string", usage: "Target platform: this is used for node selection" },
  progress: {
    kind: "string",
    usage:
      'Set type of progress output ("auto", "none", "plain", "rawjson", "tty"). Use plain to show container output',
    default: "none",
    complete: ["auto", "none", "plain", "rawjson", "tty"],
  },
} as const satisfies FlagTable;

/** `dial-stdio`: joins stdin and stdout to an engine. */
export const dialStdioCommand = defineCommand({
  name: "dial-stdio",
  summary: "Proxy current stdio streams to builder instance",
  args: { min: 0, max: 0 },
  flags: dialStdioFlags,
  run: async (invocation) => (await import("./dial-stdio-run.ts")).runDialStdio(invocation),
});
