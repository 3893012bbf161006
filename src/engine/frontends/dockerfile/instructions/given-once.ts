import type { InstructionBase } from "../../../../dockerfile/mod.ts";
import type { Stage } from "../stage.ts";

/** Remembers an instruction of which only the last one in a stage counts, and tells of the one before it. */
export function giveOnce(stage: Stage, type: "cmd" | "entrypoint" | "healthcheck", base: InstructionBase): void {
  const before = stage.given.get(type);
  if (before) {
    const message = `Multiple ${base.keyword} instructions should not be used in the same stage because only the last one will be used`;
    stage.lint("MultipleInstructionsDisallowed", message, before);
  }
  stage.given.set(type, base.range);
}

/** A command behind a shell does not get the signals that are meant for it. Whoever chose the shell has thought about that. */
export function lintShellForm(stage: Stage, keyword: string): void {
  if (stage.image.settings.Shell?.length) return;
  const message = `JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`;
  stage.lint("JSONArgsRecommended", message);
}
