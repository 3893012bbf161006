import { parseGoBool } from "../../../base/text/go-values/mod.ts";
import { marshal, type State } from "../../../llb/mod.ts";
import type { ScanHints } from "../bridge.ts";
import type { Stage } from "./stage.ts";

/**
 * What `BUILDKIT_SBOM_SCAN_STAGE` and `BUILDKIT_SBOM_SCAN_CONTEXT` say of a stage whose instructions are done: `true`, `false`, or names of stages.
 * What it says itself goes before what stands in front of the first FROM. An image that `--from` names is no stage, nor is a context that
 * stands in place of one.
 */
export function scanWishes(stage: Stage): { readonly stage: boolean; readonly context: boolean } {
  if (stage.isImage || stage.replacement) return { stage: false, context: false };
  const isWanted = (name: string) => {
    const own = stage.args.findLast(({ key, value }) => key === name && value !== undefined)?.value;
    const value = own ?? stage.conversion.globalArgs.get(name);
    return value !== undefined && (parseGoBool(value) ?? value.split(",").includes(stage.displayName));
  };
  return { stage: isWanted("BUILDKIT_SBOM_SCAN_STAGE"), context: isWanted("BUILDKIT_SBOM_SCAN_CONTEXT") };
}

/** What is to be looked through besides the target. @param needed all stages that it needs */
export function scanHints(target: Stage, needed: ReadonlySet<Stage>): ScanHints {
  const extras: [string, State][] = target.scanned.context ? [["context", target.conversion.context.state]] : [];
  const stages = [...needed].filter((stage) => stage !== target && stage.scanned.stage);
  for (const { displayName, state } of stages) extras.push([displayName, state]);
  return {
    extras: new Map(extras.map(([name, state]) => [name, state.output && marshal(state)])),
    ignoreCache: [target, ...stages].some(({ ignoreCache }) => ignoreCache),
  };
}
