import type { CmdInstruction } from "../../../../dockerfile/mod.ts";
import { goQuoteList } from "../go-text.ts";
import type { Stage } from "../stage.ts";
import { argumentsOf } from "./command-line.ts";

/** Sets what the image runs, or the arguments of its entry point. An empty list takes an inherited command away. */
export function applyCmd(stage: Stage, { command }: CmdInstruction): void {
  const args = argumentsOf(stage, command);
  stage.commandSet = true;
  stage.image.settings.Cmd = args.length > 0 ? args : undefined;
  stage.image.settings.ArgsEscaped = true;
  stage.record(`CMD ${goQuoteList(args)}`, { layer: false });
}
