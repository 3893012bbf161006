import { type Command, defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

/** The flags of `imagetools create`. */
export const imagetoolsCreateFlags = {
  annotation: { kind: "array", usage: "Add annotation to the image" },
  append: { kind: "bool", usage: "Append to existing manifest" },
  "dry-run": { kind: "bool", usage: "Show final image instead of pushing" },
  file: { kind: "array", short: "f", usage: "Read source descriptor from file", complete: "file" },
  "metadata-file": { kind: "string", usage: "Write create result metadata to a file", complete: "file" },
  platform: { kind: "array", short: "p", usage: "Filter specified platforms of target image" },
  "prefer-index": {
    kind: "bool",
    default: "true",
    usage:
      "When only a single source is specified, prefer outputting an image index or manifest list instead of performing a carbon copy",
  },
  progress: {
    kind: "string",
    default: "auto",
    usage:
      'Set type of progress output ("auto", "none", "plain", "rawjson", "tty"). Use plain to show container output',
    complete: ["auto", "none", "plain", "rawjson", "tty"],
  },
  tag: { kind: "array", short: "t", usage: "Set reference for new image" },
} as const satisfies FlagTable;

const inspectCommand = defineCommand({
  name: "inspect",
  summary: "Show details of an image in the registry",
  usage: "[OPTIONS] NAME",
  args: { min: 1, max: 1 },
  flags: {
    format: { kind: "string", usage: "Format the output using the given Go template" },
    raw: { kind: "bool", usage: "Show original, unformatted JSON manifest" },
  },
  run: async (invocation) => (await import("./imagetools-inspect.ts")).runInspect(invocation),
});

const createCommand = defineCommand({
  name: "create",
  summary: "Create a new image based on source images",
  usage: "[OPTIONS] [SOURCE...]",
  args: { min: 0 },
  flags: imagetoolsCreateFlags,
  run: async (invocation) => (await import("./imagetools-create.ts")).runCreate(invocation),
});

/** `imagetools`: what can be done with images that lie in a registry. */
export const imagetoolsCommand: Command = {
  name: "imagetools",
  summary: "Commands to work on images in registry",
  flags: {},
  commands: [createCommand, inspectCommand],
};
