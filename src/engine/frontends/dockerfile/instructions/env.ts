import type { EnvInstruction } from "../../../../dockerfile/mod.ts";
import type { Stage } from "../stage.ts";

/** Sets variables of the image and of the processes that follow. All of them see the variables as they were before. */
export function applyEnv(stage: Stage, { pairs }: EnvInstruction): void {
  const expanded = pairs.map(({ key, value }) => [stage.expand(key), stage.expand(value)] as const);
  for (const [key, value] of expanded) {
    stage.setVariable(key, value);
    stage.image.environment.set(key, value);
  }
  stage.record(`ENV ${expanded.map(([key, value]) => `${key}=${value}`).join(" ")}`, { layer: false });
}
