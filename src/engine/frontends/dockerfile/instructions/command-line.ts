import type { CommandLine } from "../../../../dockerfile/mod.ts";
import type { Stage } from "../stage.ts";

/** The argument vector: a text for the shell goes behind the words of SHELL. */
export function argumentsOf(stage: Stage, command: CommandLine): readonly string[] {
  if (command.form === "exec") return command.args;
  const shell = stage.image.settings.Shell;
  return [...(shell?.length ? shell : ["/bin/sh", "-c"]), command.args.join(" ")];
}
