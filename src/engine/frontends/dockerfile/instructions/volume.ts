import type { VolumeInstruction } from "../../../../dockerfile/mod.ts";
import { goList } from "../go-text.ts";
import type { Stage } from "../stage.ts";

/** Marks directories that containers keep outside of the image. */
export function applyVolume(stage: Stage, { volumes }: VolumeInstruction): void {
  const expanded = volumes.map((volume) => stage.expand(volume));
  if (expanded.includes("")) throw new Error("VOLUME specified can not be an empty string");
  for (const volume of expanded) stage.image.volumes.add(volume);
  stage.record(`VOLUME ${goList(expanded)}`, { layer: false });
}
