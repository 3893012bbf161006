import type { MaintainerInstruction } from "../../../../dockerfile/mod.ts";
import type { Stage } from "../stage.ts";

/** Sets the author of the image. */
export function applyMaintainer(stage: Stage, { maintainer }: MaintainerInstruction): void {
  stage.image.author = maintainer;
  stage.record(`MAINTAINER ${maintainer}`, { layer: false });
}
