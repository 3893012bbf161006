import { BuildError, type SourceRange } from "../../../../base/errors/mod.ts";
import type { Linter } from "../../../../dockerfile/mod.ts";
import type { AnswerLocation } from "../../../../subrequests/mod.ts";
import type { Bridge } from "../../bridge.ts";
import { openBuildContext } from "../contexts/build-context.ts";
import type { Converted } from "../convert.ts";
import { convertFor, readDefinition } from "../definition.ts";
import type { DefinitionFile } from "../definition-file.ts";
import type { DockerfileOptions } from "../options.ts";

/** What answering takes. */
export interface RequestSurroundings {
  readonly options: DockerfileOptions;
  readonly bridge: Bridge;
  readonly signal: AbortSignal;
}

/** Understands and converts a Dockerfile for the platform of the worker, whatever the request says of platforms. */
export async function convertToAnswer(
  definitionFile: DefinitionFile,
  given: RequestSurroundings & { readonly linter: Linter; readonly allStages: boolean },
): Promise<Converted> {
  const { bridge, linter, allStages, signal } = given;
  const { file } = definitionFile;
  if (file.bytes.length === 0) throw new BuildError("unknown", "the Dockerfile cannot be empty");
  const [native] = bridge.platforms;
  if (!native) throw new Error("Internal error: the worker has no platform");
  const definition = readDefinition(file, linter);
  const options: DockerfileOptions = { ...given.options, platforms: [], multiPlatform: false };
  const context = await openBuildContext(bridge, options, definitionFile, { signal });
  return await convertFor(definition, { options, bridge, context, native, target: native, linter, allStages, signal });
}

/** A place as answers carry it: one range per line, all in the only source. */
export function answerLocation({ start, end }: Pick<SourceRange, "start" | "end">): AnswerLocation {
  const count = Math.max(1, end.line - start.line + 1);
  const lines = Array.from({ length: count }, (_, at) => start.line + at);
  return { ranges: lines.map((line) => ({ start: { line }, end: { line } })) };
}

/** Bytes as answers carry them. */
export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
