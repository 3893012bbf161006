import { pb } from "../../../api/mod.ts";
import type { SourceRange } from "../../../base/errors/mod.ts";
import { toJson } from "../../../base/protobuf/mod.ts";
import { decodeDefinition } from "../../../llb/mod.ts";
import type { FrontendResult } from "../bridge.ts";

/** A result as people can read and compare it: ops numbered instead of named by digest. */
export function showResult(result: FrontendResult): unknown {
  return {
    multiPlatform: result.multiPlatform,
    platforms: Object.fromEntries(
      result.refs.map(({ id, definition }) => [id, definition ? showGraph(definition) : "scratch"]),
    ),
    metadata: Object.fromEntries(
      Object.entries(result.metadata).map(([key, value]) => [
        key,
        JSON.parse(new TextDecoder().decode(value)) as unknown,
      ]),
    ),
  };
}

function showGraph(definition: pb.Definition): unknown {
  const { ops } = decodeDefinition(definition);
  const numbers = new Map([...ops.keys()].map((digest, at) => [digest, `#${at}`] as const));
  return [...ops.values()].map(({ digest, name, op, inputs, locations, metadata }) => {
    const { inputs: _inputs, constraints: _constraints, platform, ...body } = toJson(pb.OpSchema, op);
    return {
      op: numbers.get(digest),
      name,
      ...(locations.length > 0 && { lines: linesOf(locations) }),
      ...(inputs.length > 0 && { inputs: inputs.map((input) => `${numbers.get(input.digest)}[${input.index}]`) }),
      ...(platform !== undefined && { platform }),
      ...(metadata?.ignoreCache && { ignoreCache: true }),
      ...body,
    };
  });
}

/** Ranges of lines, `1-3,5-5`: what goes on in the next line is one. */
function linesOf(locations: readonly SourceRange[]): string {
  const runs: { readonly from: number; to: number }[] = [];
  for (const { start, end } of locations) {
    const last = runs.at(-1);
    if (last && (start.line === last.to || start.line === last.to + 1)) last.to = end.line;
    else runs.push({ from: start.line, to: end.line });
  }
  return runs.map(({ from, to }) => `${from}-${to}`).join(",");
}
