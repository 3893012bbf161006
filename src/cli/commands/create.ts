import { timeoutFlag } from "../builders/flags.ts";
import { defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

/** The flags of `create`. */
export const createFlags = {
  append: { kind: "bool", usage: "Append a node to builder instead of changing it" },
  bootstrap: { kind: "bool", usage: "Boot builder after creation" },
  "buildkitd-config": { kind: "string", usage: "BuildKit daemon config file", complete: "file" },
  "buildkitd-flags": { kind: "string", usage: "BuildKit daemon flags" },
  config: { kind: "string", usage: "BuildKit daemon config file", complete: "file", hidden: true },
  driver: {
    kind: "string",
    usage: 'Driver to use (available: "docker-container", "kubernetes", "remote")',
    complete: ["docker-container", "kubernetes", "remote"],
  },
  "driver-opt": { kind: "array", usage: "Options for the driver" },
  leave: { kind: "bool", usage: "Remove a node from builder instead of changing it" },
  name: { kind: "string", usage: "Builder instance name" },
  node: { kind: "string", usage: "Create/modify node with given name" },
  platform: { kind: "array", usage: "Fixed platforms for current node" },
  use: { kind: "bool", usage: "Set the current builder instance" },
  ...timeoutFlag,
} as const satisfies FlagTable;

/** `create`: a new builder, or another node for one. */
export const createCommand = defineCommand({
  name: "create",
  summary: "Create a new builder instance",
  usage: "[OPTIONS] [CONTEXT|ENDPOINT]",
  args: { min: 0, max: 1 },
  flags: createFlags,
  run: async (invocation) => (await import("./create-run.ts")).runCreate(invocation),
});
