import { errdefs, type pb } from "../../../api/mod.ts";
import { asBuildError, BuildError, type ErrorDetail, findCause, isAbort } from "../../../base/errors/mod.ts";
import { create, type MessageInitShape, toJson } from "../../../base/protobuf/mod.ts";
import { definitionOf } from "../../ops/mod.ts";
import type { Ref } from "../../refs/mod.ts";
import { FailedRun, UnreadableInput, VertexError } from "../../solver/mod.ts";

const solveType = "github.com/moby/buildkit/errdefs.Solve+json";

type Solve = MessageInitShape<typeof errdefs.SolveSchema>;

/**
 * A failure as callers of the gateway get it: a detail says which op it was, and names what can be mounted in a container to look into the matter.
 * @param name gives such a result an id; the job holds it
 */
export function withSolveDetail(error: unknown, name: (result: Ref) => string): unknown {
  if (isAbort(error)) return error;
  const known = asBuildError(error);
  // A frontend that was itself led through a gateway has told already.
  if (known.details.some(({ typeUrl }) => typeUrl === solveType)) return error;
  const { code, message, location, details } = known;
  return new BuildError(code, message, { cause: error, location, details: [detailOf(error, name), ...details] });
}

function detailOf(error: unknown, name: (result: Ref) => string): ErrorDetail {
  const vertex = findCause(error, VertexError)?.vertex;
  const op = vertex && definitionOf(vertex);
  const solve: Solve = {
    ...leftBehind(error, name),
    ...(op && { op: op as pb.Op }),
    ...(vertex?.description && { description: vertex.description }),
  };
  const json = toJson(errdefs.SolveSchema, create(errdefs.SolveSchema, solve));
  return { typeUrl: solveType, value: Buffer.from(JSON.stringify(json)) };
}

function leftBehind(error: unknown, name: (result: Ref) => string): Solve {
  const unreadable = findCause(error, UnreadableInput<Ref>);
  if (unreadable) {
    const { index, result } = unreadable;
    return { inputIDs: [name(result)], subject: { case: "cache", value: { index: BigInt(index) } } };
  }
  const failed = findCause(error, FailedRun<Ref>);
  if (!failed) return {};
  const { inputs, mounts, action } = failed;
  const ids = (results: readonly (Ref | undefined)[]) => results.map((result) => (result ? name(result) : ""));
  return {
    inputIDs: ids(inputs),
    mountIDs: ids(mounts),
    ...(action !== undefined && { subject: { case: "file", value: { index: BigInt(action) } } }),
  };
}
