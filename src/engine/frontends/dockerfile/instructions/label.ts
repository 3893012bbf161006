import type { LabelInstruction } from "../../../../dockerfile/mod.ts";
import type { Stage } from "../stage.ts";

/** Sets labels of the image. */
export function applyLabel(stage: Stage, { keyword, pairs }: LabelInstruction): void {
  const expanded = pairs.map(({ key, value, legacy }) => {
    if (legacy) lintLegacyPair(stage, keyword);
    return [stage.expand(key), stage.expand(value)] as const;
  });
  for (const [key, value] of expanded) stage.image.labels.set(key, value);
  stage.record(`LABEL ${expanded.map(([key, value]) => `${key}=${value}`).join(" ")}`, { layer: false });
}

/** `KEY value`, where nobody can tell at a glance what belongs together. */
export function lintLegacyPair(stage: Stage, keyword: string): void {
  const message = `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`;
  stage.lint("LegacyKeyValueFormat", message);
}
