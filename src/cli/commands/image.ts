import { type Command, defineCommand } from "../command.ts";

const inspectCommand = defineCommand({
  name: "inspect",
  summary: "Show what images in the registry are: platform, config, layers",
  usage: "[OPTIONS] NAME",
  args: { min: 1, max: 1 },
  flags: {
    format: {
      kind: "string",
      short: "f",
      usage: 'Format the output of each platform\'s image using the given Go template, or "json"',
    },
    platform: { kind: "string", usage: "Show only this platform's image of several" },
    raw: { kind: "bool", usage: "Show original, unformatted JSON manifest" },
    verify: {
      kind: "bool",
      usage:
        "Read the layers, too, show for which platforms the programs in them are made, and fail when what the image starts is for another one",
    },
  },
  run: async (invocation) => (await import("./image-inspect.ts")).runImageInspect(invocation),
});

/** `image`: what can be found out about images without fetching them. */
export const imageCommand: Command = {
  name: "image",
  summary: "Commands to look at images",
  flags: {},
  commands: [inspectCommand],
};
