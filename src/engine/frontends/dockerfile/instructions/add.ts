import type { AddInstruction } from "../../../../dockerfile/mod.ts";
import type { PlannedStep, Stage } from "../stage.ts";
import { addCopyStep, expandCopy, lintIgnoredSource, type SourceAction } from "./copy-files.ts";
import { pathActions } from "./copy-paths.ts";
import { placeOf, remoteState } from "./remote-sources.ts";

/** Copies from the build context (tar files are unpacked unless `--unpack=false`), fetches files, checks repositories out. */
export function applyAdd(stage: Stage, instruction: AddInstruction, step: PlannedStep): void {
  const given = expandCopy(stage, instruction);
  const checksum = instruction.checksum === undefined ? "" : stage.expand(instruction.checksum);
  const places = given.sources.map((path) => ({ path, place: placeOf(path) }));
  if (checksum !== "") {
    if (places.length !== 1) throw new Error("checksum can't be specified for multiple sources");
    if (places.some(({ place }) => place.type === "path")) throw new Error("checksum requires HTTP(S) or Git sources");
  }
  const { context } = stage.conversion;
  // What is fetched goes under the name of the step.
  const vertex = stage.vertexOptions(step, { keepQuotes: false });
  const wanted = { checksum, keepGitDir: instruction.keepGitDir, name: vertex.name ?? "" };
  const actions = places.map(({ path, place }): SourceAction => {
    switch (place.type) {
      case "git":
        return { from: remoteState(path, place, wanted), source: "/" };
      case "http":
        return {
          from: remoteState(path, place, wanted),
          source: place.filename,
          attemptUnpack: instruction.unpack ?? false,
        };
      case "path":
        lintIgnoredSource(stage, "Add", path);
        return pathActions(path, context.state, { parents: false, attemptUnpack: instruction.unpack ?? true });
    }
  });
  addCopyStep(stage, { ...given, actions, flags: [], link: instruction.link, vertex }, instruction);
  for (const { path, place } of places) if (place.type === "path") context.use(path);
}
