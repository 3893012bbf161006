import type { SourceRange } from "../../../../base/errors/mod.ts";
import { Linter } from "../../../../dockerfile/mod.ts";
import type { OutlineAnswer } from "../../../../subrequests/mod.ts";
import { lintOptionsOf } from "../definition.ts";
import type { DefinitionFile } from "../definition-file.ts";
import type { Stage } from "../stage.ts";
import { dependencies } from "../stage-graph.ts";
import { type ArgParameter, descriptionOf, type MountParameter, type StageParameters } from "../stage-parameters.ts";
import { answerLocation, base64, convertToAnswer, type RequestSurroundings } from "./surroundings.ts";

/** What people can choose for a target. @throws {BuildError} when the Dockerfile cannot be converted */
export async function outline(
  definitionFile: DefinitionFile,
  surroundings: RequestSurroundings,
): Promise<OutlineAnswer> {
  const { file } = definitionFile;
  const linter = new Linter(lintOptionsOf(file, surroundings.options));
  const { stage } = await convertToAnswer(definitionFile, { ...surroundings, linter, allStages: false });
  const name = stage.declaredName ?? "";
  const description = descriptionOf(name, stage.comments);
  const stages = stagesOf(stage);
  const args = byName(stages, usedArgs).map((arg) => ({
    name: arg.name,
    ...(arg.description !== "" && { description: arg.description }),
    ...(arg.value !== "" && { value: arg.value }),
    location: answerLocation(arg.range),
  }));
  const secrets = byName(stages, (parameters) => parameters.secrets.values()).map(wanted);
  const ssh = byName(stages, (parameters) => parameters.agents.values()).map(wanted);
  return {
    ...(name !== "" && { name }),
    ...(description !== "" && { description }),
    ...(args.length > 0 && { args }),
    ...(secrets.length > 0 && { secrets }),
    ...(ssh.length > 0 && { ssh }),
    sources: [base64(file.bytes)],
  };
}

const wanted = ({ name, required, range }: MountParameter) => ({
  name,
  ...(required && { required }),
  location: answerLocation(range),
});

/** A stage, what it goes on from, and what these take from; nearest first. */
function stagesOf(target: Stage): readonly Stage[] {
  const found = new Set<Stage>();
  const open = [target];
  for (let stage = open.pop(); stage; stage = open.pop()) {
    if (found.has(stage)) continue;
    found.add(stage);
    open.push(...[...dependencies(stage)].reverse());
    if (stage.base) open.push(stage.base);
  }
  return [...found];
}

/** Each once, from the stage that comes first, in the order of the file. */
function byName<T extends { readonly name: string; readonly range: SourceRange }>(
  stages: readonly Stage[],
  read: (parameters: StageParameters) => Iterable<T>,
): readonly T[] {
  const found = new Map<string, T>();
  for (const { parameters } of stages) {
    for (const parameter of read(parameters)) {
      if (!found.has(parameter.name)) found.set(parameter.name, parameter);
    }
  }
  return [...found.values()].sort((a, b) => a.range.start.line - b.range.start.line);
}

/** Those that the stage uses, and those that their defaults take from. */
function* usedArgs({ args, usedArgs: used }: StageParameters): Iterable<ArgParameter> {
  const seen = new Set<string>();
  const open = [...used];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const arg = args.get(name);
    if (!arg) continue;
    yield arg;
    open.push(...arg.uses);
  }
}
