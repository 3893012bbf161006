import type { ShellInstruction } from "../../../../dockerfile/mod.ts";
import { goList } from "../go-text.ts";
import type { Stage } from "../stage.ts";

/** Sets the shell for what follows, and for images that start from this one. */
export function applyShell(stage: Stage, { shell }: ShellInstruction): void {
  stage.image.settings.Shell = shell;
  stage.record(`SHELL ${goList(shell)}`, { layer: false });
}
