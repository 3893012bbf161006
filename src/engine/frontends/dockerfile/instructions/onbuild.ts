import type { OnbuildInstruction } from "../../../../dockerfile/mod.ts";
import type { Stage } from "../stage.ts";

/** Keeps an instruction for builds that start from this image. Leaves no line in the history. */
export function applyOnbuild(stage: Stage, { trigger }: OnbuildInstruction): void {
  stage.image.onBuild.push(trigger);
}
