import type { pb } from "../api/mod.ts";
import { decodeDefinition, type GraphOp } from "./decode.ts";
import { isLlbCapability } from "./capabilities.ts";
import { scratch, type State, stateOf } from "./state.ts";
import type { Vertex, VertexOptions } from "./vertex.ts";

/**
 * The filesystem that a graph of somebody else's gives, to go on from. Its ops keep their bytes, and so their digests.
 * @throws {BuildError} when the definition is malformed
 */
export function stateOfDefinition(definition: pb.Definition): State {
  const { ops, result } = decodeDefinition(definition);
  if (!result) return scratch;
  const vertices = new Map<string, Vertex>();
  const stateAt = ({ digest, index }: { readonly digest: string; readonly index: number }): State => {
    const vertex = vertices.get(digest);
    if (!vertex) throw new Error("Internal error: an op comes before one that it reads");
    return stateOf(vertex, index);
  };
  for (const op of ops.values()) vertices.set(op.digest, new GivenVertex(op, op.inputs.map(stateAt)));
  return stateAt(result);
}

class GivenVertex implements Vertex {
  readonly inputs: readonly State[];
  readonly options: VertexOptions;
  readonly given: NonNullable<Vertex["given"]>;
  constructor({ digest, bytes, metadata }: GraphOp, inputs: readonly State[]) {
    this.inputs = inputs;
    const { "llb.customname": name, ...description } = metadata?.description ?? {};
    this.options = {
      description,
      ...(name !== undefined && { name }),
      ...(metadata?.ignoreCache && { ignoreCache: true }),
      ...(metadata?.progressGroup && { progressGroup: metadata.progressGroup }),
    };
    const capabilities = Object.keys(metadata?.caps ?? {}).filter(isLlbCapability);
    this.given = { digest, bytes, capabilities };
  }
  body(): never {
    throw new Error("Internal error: an op that is given is not written again");
  }
}
