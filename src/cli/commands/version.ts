import { defineCommand } from "../command.ts";

/** `version`: name, version and revision on one line, as scripts cut them out of docker buildx's answer. */
export const versionCommand = defineCommand({
  name: "version",
  summary: "Show version information",
  args: { min: 0, max: 0 },
  flags: {},
  run: async ({ context }) => {
    context.stdout.write(
      `${["polyarch", context.version, context.revision].filter((part) => part !== "").join(" ")}\n`,
    );
    return 0;
  },
});
