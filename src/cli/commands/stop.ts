import { defineCommand } from "../command.ts";

/** `stop`: ends the engines of a builder; what they have built stays. */
export const stopCommand = defineCommand({
  name: "stop",
  summary: "Stop builder instance",
  usage: "[NAME]",
  args: { min: 0, max: 1 },
  flags: {},
  run: async (invocation) => {
    const { stopBuilder } = await import("../../builder/mod.ts");
    const { askedBuilder } = await import("../asked-builder.ts");
    const { openBuilders } = await import("../builder.ts");
    const { context, args } = invocation;
    const builders = await openBuilders(context);
    const builder = await builders.find(args[0] ?? askedBuilder(invocation));
    await stopBuilder(builders, builder, { signal: context.signal });
    return 0;
  },
});
