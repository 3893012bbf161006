import { type Command, defineCommand } from "../command.ts";

const shells = ["bash", "fish", "zsh"] as const;

/** `completion SHELL`: prints a script that completes commands, flags and their values, made from the same tables as everything else. */
export function completionCommand(root: () => Command): Command {
  return {
    name: "completion",
    summary: "Generate the autocompletion script for the specified shell",
    flags: {},
    commands: shells.map((shell) =>
      defineCommand({
        name: shell,
        summary: `Generate the autocompletion script for ${shell}`,
        args: { min: 0, max: 0 },
        flags: {},
        run: async ({ context }) => {
          const { completionScript } = await import("../completion/mod.ts");
          context.stdout.write(completionScript(shell, root()));
          return 0;
        },
      }),
    ),
  };
}
