import {
  asBuildError,
  BuildError,
  type ErrorDetail,
  isSameText,
  joinLines,
  messageOf,
  type SourceRange,
} from "../../base/errors/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import { encodeSourceDetail } from "../../rpc/mod.ts";
import type { StatusBoard } from "./status-board.ts";

const vertexType = "github.com/moby/buildkit/errdefs.Vertex+json";

/** What is told of a vertex that has failed. */
interface FailedVertex {
  readonly digest: Digest;
  readonly locations?: readonly SourceRange[];
  readonly description?: Readonly<Record<string, string>>;
}

/** The failure of a vertex. */
export class VertexError extends BuildError {
  /** The vertex itself, as whoever built it had it. */
  readonly vertex: FailedVertex;

  constructor(vertex: FailedVertex, ...error: ConstructorParameters<typeof BuildError>) {
    super(...error);
    this.vertex = vertex;
  }
}

/**
 * The failure of a vertex as its users see it: the text stays as it is, and details say which vertex it was and where that stands in its
 * source. An error that already names a vertex (a nested build's) keeps that one: the innermost is what people look for.
 * @param prefix words put before the text
 */
export function vertexError(error: unknown, vertex: FailedVertex, prefix = ""): BuildError {
  const cause = asBuildError(error);
  const named = cause.details.some((detail) => detail.typeUrl === vertexType);
  if (named && prefix === "") return cause;
  const places = byText(vertex.locations ?? []);
  const details = named
    ? cause.details
    : [jsonDetail(vertexType, { digest: vertex.digest }), ...places.map(encodeSourceDetail), ...cause.details];
  const location = cause.location ?? joinLines(places.at(-1) ?? []);
  return new VertexError(vertex, cause.code, prefix + cause.message, { cause: error, location, details });
}

/** Runs of ranges in the same text, innermost last. */
function byText(locations: readonly SourceRange[]): readonly (readonly [SourceRange, ...SourceRange[]])[] {
  const runs: [SourceRange, ...SourceRange[]][] = [];
  for (const range of locations) {
    const last = runs.at(-1);
    if (last && isSameText(last[0], range)) last.push(range);
    else runs.push([range]);
  }
  return runs;
}

function jsonDetail(typeUrl: string, value: unknown): ErrorDetail {
  return { typeUrl, value: Buffer.from(JSON.stringify(value), "utf8") };
}

/**
 * Reports the failure of a vertex on the job's board, and gives the error to throw. When the job itself has been cancelled nothing has
 * failed: then it gives the reason of that.
 */
export function failVertex(
  error: unknown,
  vertex: FailedVertex,
  job: { readonly signal: AbortSignal; readonly board: StatusBoard },
  prefix = "",
): unknown {
  if (job.signal.aborted) return job.signal.reason;
  job.board.completed(vertex.digest, { error: messageOf(error) });
  return vertexError(error, vertex, prefix);
}
