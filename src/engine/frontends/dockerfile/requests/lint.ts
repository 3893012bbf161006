import { BuildError, isAbort, messageOf } from "../../../../base/errors/mod.ts";
import { Linter } from "../../../../dockerfile/mod.ts";
import type { AnswerSource, LintAnswer } from "../../../../subrequests/mod.ts";
import type { DefinitionFile } from "../definition-file.ts";
import { lintOptionsOf } from "../definition.ts";
import { definitionAsJson } from "./definition-json.ts";
import { answerLocation, base64, convertToAnswer, type RequestSurroundings } from "./surroundings.ts";

/** What is wrong with a Dockerfile: in all of its stages, unless the request names one. That it cannot be built at all is part of the answer. */
export async function lint(definitionFile: DefinitionFile, surroundings: RequestSurroundings): Promise<LintAnswer> {
  const { options, signal } = surroundings;
  const { file } = definitionFile;
  let linter: Linter | undefined;
  let failure: unknown;
  try {
    linter = new Linter(lintOptionsOf(file, options));
    await convertToAnswer(definitionFile, { ...surroundings, linter, allStages: options.target === "" });
  } catch (error) {
    if (isAbort(error) || signal.aborted) throw error;
    failure = error;
  }
  const source: AnswerSource = {
    filename: file.filename,
    data: base64(file.bytes),
    ...(file.definition && { definition: definitionAsJson(file.definition) }),
    language: file.language,
  };
  const warnings = (linter?.findings ?? []).map(({ rule, description, url, message, range }) => ({
    ruleName: rule,
    description,
    ...(url !== "" && { url }),
    detail: message,
    location: answerLocation(range),
  }));
  return {
    warnings: warnings.length > 0 ? warnings : null,
    sources: [source],
    ...(failure !== undefined && { buildError: buildErrorOf(failure) }),
  };
}

function buildErrorOf(failure: unknown): NonNullable<LintAnswer["buildError"]> {
  const location = failure instanceof BuildError ? failure.location : undefined;
  return { message: messageOf(failure), location: location ? answerLocation(location) : {} };
}
