import {
  answerVersion,
  describedRequests,
  encodeAnswer,
  printDescribed,
  printLintWarnings,
  printOutline,
  printTargets,
  subrequests,
} from "../../../../subrequests/mod.ts";
import type { FrontendResult } from "../../bridge.ts";
import type { DefinitionFile } from "../definition-file.ts";
import { refusal } from "../option-names.ts";
import { lint } from "./lint.ts";
import { outline } from "./outline.ts";
import type { RequestSurroundings } from "./surroundings.ts";
import { targets } from "./targets.ts";

/**
 * Answers the question that the options ask. The answer is metadata of a result without any filesystem: as JSON, and as people read it.
 * @throws {BuildError} `unsupported request X`; whatever keeps the Dockerfile from being understood, unless the question is about that
 */
export async function answerRequest(file: DefinitionFile, surroundings: RequestSurroundings): Promise<FrontendResult> {
  const { request } = surroundings.options;
  switch (request) {
    case subrequests.lint: {
      const answer = await lint(file, surroundings);
      const failed = (answer.warnings ?? []).length > 0 || answer.buildError;
      return result(encodeAnswer(answer), printLintWarnings(answer), { "result.statuscode": failed ? "1" : "0" });
    }
    case subrequests.outline: {
      const answer = await outline(file, surroundings);
      return result(encodeAnswer(answer), printOutline(answer));
    }
    case subrequests.targets: {
      const answer = targets(file);
      return result(encodeAnswer(answer), printTargets(answer));
    }
    case subrequests.describe:
      return result(encodeAnswer(describedRequests), printDescribed(describedRequests));
    default:
      throw refusal(`unsupported request ${request}`, "Subrequest", request);
  }
}

function result(json: string, text: string, more: Readonly<Record<string, string>> = {}): FrontendResult {
  const metadata = { "result.json": json, "result.txt": text, version: answerVersion, ...more };
  const encoder = new TextEncoder();
  return {
    refs: [],
    multiPlatform: false,
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, encoder.encode(value)])),
  };
}
