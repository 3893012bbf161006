import { type Command, defineCommand } from "../command.ts";
import { UsageError } from "../flags/usage-error.ts";
import { renderHelp } from "../help/help.ts";
import { route } from "../route.ts";

/** `help [COMMAND]`: the same text as `COMMAND --help`. */
export function helpCommand(root: () => Command): Command {
  return defineCommand({
    name: "help",
    summary: "Help about any command",
    usage: "[command]",
    args: { min: 0 },
    flags: {},
    run: async ({ context, args }) => {
      const { command, path, argv } = route({ ...root(), name: context.program }, args);
      if (path.length === 1 && argv.length > 0)
        throw new UsageError(`unknown help topic ${JSON.stringify(args.join(" "))}`, { command: context.program });
      context.stdout.write(renderHelp(command, path));
      return 0;
    },
  });
}
