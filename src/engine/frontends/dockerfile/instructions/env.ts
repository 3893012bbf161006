import { type EnvInstruction, isSecretName } from "../../../../dockerfile/mod.ts";
import type { Stage } from "../stage.ts";
import { lintSecret } from "./arg.ts";
import { lintLegacyPair } from "./label.ts";

/** Sets variables of the image and of the processes that follow. All of them see the variables as they were before. */
export function applyEnv(stage: Stage, { keyword, pairs }: EnvInstruction): void {
  const expanded = pairs.map(({ key, value, legacy }) => [stage.expand(key), stage.expand(value), legacy] as const);
  for (const [key, value, legacy] of expanded) {
    if (legacy) lintLegacyPair(stage, keyword);
    if (isSecretName(key)) lintSecret(stage, "ENV", key);
    stage.setVariable(key, value);
    stage.image.environment.set(key, value);
  }
  stage.record(`ENV ${expanded.map(([key, value]) => `${key}=${value}`).join(" ")}`, { layer: false });
}
