import type { UserInstruction } from "../../../../dockerfile/mod.ts";
import type { Stage } from "../stage.ts";

/** Sets whom processes run as. Whether there is such a user shows when one runs. */
export function applyUser(stage: Stage, { user }: UserInstruction): void {
  stage.user = stage.expand(user);
  stage.image.settings.User = stage.user;
  stage.record(`USER ${stage.user}`, { layer: false });
}
