import { goQuote } from "../../../../base/text/go-values/mod.ts";
import type { CopyInstruction } from "../../../../dockerfile/mod.ts";
import type { PlannedStep, Stage } from "../stage.ts";
import { addCopyStep, expandCopy, lintIgnoredSource } from "./copy-files.ts";
import { pathActions } from "./copy-paths.ts";
import { placeOf } from "./remote-sources.ts";

/** Copies from the build context, another stage or an image. */
export function applyCopy(stage: Stage, instruction: CopyInstruction, step: PlannedStep): void {
  const [source] = step.sources;
  if (source && !source.done) {
    throw new Error(
      `cannot copy from stage ${goQuote(instruction.from ?? "")}, it needs to be defined before current stage ${goQuote(stage.displayName)}`,
    );
  }
  const given = expandCopy(stage, instruction);
  for (const path of given.sources) {
    const { type } = placeOf(path);
    if (type === "git") throw new Error("source can't be a git ref for COPY");
    if (type === "http") throw new Error("source can't be a URL for COPY");
  }
  if (!source) for (const path of given.sources) lintIgnoredSource(stage, "Copy", path);
  const { context } = stage.conversion;
  const from = source?.state ?? context.state;
  const { parents } = instruction;
  const actions = given.sources.flatMap((path) => pathActions(path, from, { parents, attemptUnpack: false }));
  const flags = parents ? ["--parents"] : [];
  const vertex = stage.vertexOptions(step, { keepQuotes: false });
  addCopyStep(stage, { ...given, actions, flags, link: instruction.link, vertex }, instruction);
  const used = source ? source.directory : context;
  for (const path of given.sources) used?.use(path);
}
