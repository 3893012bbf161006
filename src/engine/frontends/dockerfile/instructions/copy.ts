import { type CopyInstruction, notSupportedYet } from "../../../../dockerfile/mod.ts";
import { resolvePath } from "../paths.ts";
import type { PlannedStep, Stage } from "../stage.ts";
import { addCopyStep, expandSources } from "./copy-files.ts";
import { isGitSource, isHttpSource } from "./remote-sources.ts";

/** Copies from the build context, another stage or an image. */
export function applyCopy(stage: Stage, instruction: CopyInstruction, step: PlannedStep): void {
  if (instruction.link) throw notSupportedYet("COPY --link", instruction.range);
  if (instruction.parents) throw notSupportedYet("COPY --parents", instruction.range);
  const [source] = step.sources;
  if (source && !source.done) {
    throw new Error(
      `cannot copy from stage ${JSON.stringify(instruction.from)}, it needs to be defined before current stage ${JSON.stringify(stage.displayName)}`,
    );
  }
  const given = expandSources(stage, instruction);
  for (const path of given) {
    if (isGitSource(path)) throw new Error("source can't be a git ref for COPY");
    if (isHttpSource(path)) throw new Error("source can't be a URL for COPY");
  }
  const { context } = stage.conversion;
  const paths = given.map((path) => resolvePath("/", path));
  addCopyStep(stage, { paths, from: source?.state ?? context.state, attemptUnpack: false }, instruction, step);
  if (!source) for (const path of paths) context.use(path);
}
