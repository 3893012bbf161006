import { type AddInstruction, notSupportedYet } from "../../../../dockerfile/mod.ts";
import { resolvePath } from "../paths.ts";
import type { PlannedStep, Stage } from "../stage.ts";
import { addCopyStep, expandSources } from "./copy-files.ts";
import { isGitSource, isHttpSource } from "./remote-sources.ts";

/** Copies from the build context; tar files are unpacked unless `--unpack=false`. */
export function applyAdd(stage: Stage, instruction: AddInstruction, step: PlannedStep): void {
  if (instruction.link) throw notSupportedYet("ADD --link", instruction.range);
  const given = expandSources(stage, instruction);
  const isRemote = (path: string) => isGitSource(path) || isHttpSource(path);
  if (instruction.checksum !== undefined) {
    if (given.length !== 1) throw new Error("checksum can't be specified for multiple sources");
    if (!given.every(isRemote)) throw new Error("checksum requires HTTP(S) or Git sources");
  }
  for (const path of given) {
    if (isGitSource(path)) throw notSupportedYet(`ADD of a Git repository (${path})`, instruction.range);
    if (isHttpSource(path)) throw notSupportedYet(`ADD of a URL (${path})`, instruction.range);
  }
  const { context } = stage.conversion;
  const paths = given.map((path) => resolvePath("/", path));
  addCopyStep(stage, { paths, from: context.state, attemptUnpack: instruction.unpack ?? true }, instruction, step);
  for (const path of paths) context.use(path);
}
