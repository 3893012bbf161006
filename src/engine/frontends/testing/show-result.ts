import { pb } from "../../../api/mod.ts";
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
      ...(locations.length > 0 && { lines: locations.map(({ start, end }) => `${start.line}-${end.line}`).join(",") }),
      ...(inputs.length > 0 && { inputs: inputs.map((input) => `${numbers.get(input.digest)}[${input.index}]`) }),
      ...(platform !== undefined && { platform }),
      ...(metadata?.ignoreCache && { ignoreCache: true }),
      ...body,
    };
  });
}
