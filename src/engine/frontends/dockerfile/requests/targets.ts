import { BuildError } from "../../../../base/errors/mod.ts";
import { noLintOptions, Linter } from "../../../../dockerfile/mod.ts";
import type { TargetsAnswer } from "../../../../subrequests/mod.ts";
import { readDefinition } from "../definition.ts";
import type { DefinitionFile } from "../definition-file.ts";
import { descriptionOf } from "../stage-parameters.ts";
import { answerLocation, base64 } from "./surroundings.ts";

/** The stages of a Dockerfile, as they are written. @throws {BuildError} when it cannot be understood */
export function targets({ file }: DefinitionFile): TargetsAnswer {
  if (file.bytes.length === 0) throw new BuildError("unknown", "the Dockerfile cannot be empty");
  const { dockerfile } = readDefinition(file, new Linter(noLintOptions));
  const listed = dockerfile.stages.map(({ from }, at) => {
    const { stageName = "", base, platform = "", comments, range } = from;
    const description = descriptionOf(stageName, comments);
    return {
      ...(stageName !== "" && { name: stageName }),
      ...(at === dockerfile.stages.length - 1 && { default: true }),
      ...(description !== "" && { description }),
      base,
      ...(platform !== "" && { platform }),
      location: answerLocation(range),
    };
  });
  return { targets: listed, sources: [base64(file.bytes)] };
}
