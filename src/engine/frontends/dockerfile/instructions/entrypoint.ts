import type { EntrypointInstruction } from "../../../../dockerfile/mod.ts";
import { goQuoteList } from "../go-text.ts";
import type { Stage } from "../stage.ts";
import { argumentsOf } from "./command-line.ts";
import { giveOnce, lintShellForm } from "./given-once.ts";

/** Sets the entry point. A command inherited from the base falls away with the entry point it was made for. */
export function applyEntrypoint(stage: Stage, instruction: EntrypointInstruction): void {
  const { command, keyword } = instruction;
  giveOnce(stage, "entrypoint", instruction);
  if (command.form === "shell") lintShellForm(stage, keyword);
  const args = argumentsOf(stage, command);
  stage.image.settings.Entrypoint = args.length > 0 ? args : undefined;
  if (!stage.given.has("cmd")) stage.image.settings.Cmd = undefined;
  stage.record(`ENTRYPOINT ${goQuoteList(args)}`, { layer: false });
}
