import { askedBuilder } from "../asked-builder.ts";
import { defineCommand } from "../command.ts";

/** `use`: which builder the other commands take. */
export const useCommand = defineCommand({
  name: "use",
  summary: "Set the current builder instance",
  usage: "[OPTIONS] NAME",
  args: { min: 0, max: 1 },
  flags: {
    default: { kind: "bool", usage: "Set builder as default for current context" },
    global: { kind: "bool", usage: "Builder persists context changes" },
  },
  run: async (invocation) => {
    const { selectBuilder } = await import("../../builder/mod.ts");
    const { openBuilders } = await import("../builder.ts");
    const { context, flags, args } = invocation;
    await selectBuilder(await openBuilders(context), {
      name: args[0] ?? askedBuilder(invocation),
      global: flags.global,
      asDefault: flags.default,
      signal: context.signal,
    });
    return 0;
  },
});
