import { type Command, defineCommand } from "../command.ts";

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

/** `imagetools`: what can be done with images that lie in a registry. */
export const imagetoolsCommand: Command = {
  name: "imagetools",
  summary: "Commands to work on images in registry",
  flags: {},
  commands: [inspectCommand],
};
