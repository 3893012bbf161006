import type { CmdInstruction } from "../../../../dockerfile/mod.ts";
import { goQuoteList } from "../go-text.ts";
import type { Stage } from "../stage.ts";
import { argumentsOf } from "./command-line.ts";
import { giveOnce, lintShellForm } from "./given-once.ts";

/** Sets what the image runs, or the arguments of its entry point. An empty list takes an inherited command away. */
export function applyCmd(stage: Stage, instruction: CmdInstruction): void {
  const { command, keyword } = instruction;
  giveOnce(stage, "cmd", instruction);
  if (command.form === "shell") lintShellForm(stage, keyword);
  const args = argumentsOf(stage, command);
  stage.image.settings.Cmd = args.length > 0 ? args : undefined;
  stage.image.settings.ArgsEscaped = true;
  stage.record(`CMD ${goQuoteList(args)}`, { layer: false });
}
