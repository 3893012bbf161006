import { messageOf } from "../../../../base/errors/mod.ts";
import {
  type AddInstruction,
  type ArgInstruction,
  dockerfileError,
  type EnvironmentList,
  expand,
  type Stage,
} from "../../../../dockerfile/mod.ts";
import type { State } from "../../../../llb/mod.ts";
import { placeOf, remoteState } from "../instructions/remote-sources.ts";

/** What the instructions of the stage may refer to. */
interface StageSurroundings {
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly globalArgs: EnvironmentList;
  readonly escape: "\\" | "`";
}

/**
 * The one source of a stage that is nothing else: `FROM scratch`, ARGs, and one ADD of one address or repository.
 * @throws {BuildError} with the place of the FROM line, for every other stage
 */
export function sourceOfStage(stage: Stage, given: StageSurroundings): State {
  try {
    return readSource(stage, given);
  } catch (error) {
    throw dockerfileError(messageOf(error), stage.from.range, error);
  }
}

function readSource({ from, instructions }: Stage, { buildArgs, globalArgs, escape }: StageSurroundings): State {
  const environment = globalArgs.copy();
  environment.delete("SOURCE_DATE_EPOCH"); // it is what is to be found out
  if (expand(from.base, { environment, escape }).text !== "scratch") {
    throw new Error("SOURCE_DATE_EPOCH stage must use FROM scratch");
  }
  let source: State | undefined;
  for (const instruction of instructions) {
    switch (instruction.type) {
      case "arg":
        applyArgs(instruction, environment, { buildArgs, escape });
        break;
      case "add":
        if (source) throw new Error("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD");
        source = sourceOf(instruction, environment, escape);
        break;
      default:
        throw new Error(
          `SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported ${instruction.keyword} instruction`,
        );
    }
  }
  if (!source) throw new Error("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD");
  return source;
}

function applyArgs(
  { args }: ArgInstruction,
  environment: EnvironmentList,
  { buildArgs, escape }: Pick<StageSurroundings, "buildArgs" | "escape">,
): void {
  for (const { key, value } of args) {
    const given = Object.hasOwn(buildArgs, key) ? buildArgs[key] : undefined;
    const effective = given ?? (value === undefined ? undefined : expand(value, { environment, escape }).text);
    if (effective !== undefined) environment.set(key, effective);
  }
}

function sourceOf(
  { sources, inlineFiles, checksum, keepGitDir }: AddInstruction,
  environment: EnvironmentList,
  escape: "\\" | "`",
): State {
  const [only, ...others] = sources;
  if (only === undefined || others.length > 0 || inlineFiles.length > 0) {
    throw new Error("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source");
  }
  const path = expand(only, { environment, escape }).text;
  const place = placeOf(path);
  if (place.type === "path") throw new Error("SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD");
  const wanted = checksum === undefined ? "" : expand(checksum, { environment, escape }).text;
  return remoteState(path, place, { checksum: wanted, keepGitDir, name: `ADD ${path}` });
}
