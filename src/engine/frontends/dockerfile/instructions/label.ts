import type { LabelInstruction } from "../../../../dockerfile/mod.ts";
import type { Stage } from "../stage.ts";

/** Sets labels of the image. */
export function applyLabel(stage: Stage, { pairs }: LabelInstruction): void {
  const expanded = pairs.map(({ key, value }) => [stage.expand(key), stage.expand(value)] as const);
  for (const [key, value] of expanded) stage.image.labels.set(key, value);
  stage.record(`LABEL ${expanded.map(([key, value]) => `${key}=${value}`).join(" ")}`, { layer: false });
}
