import { create } from "../base/protobuf/mod.ts";
import { pb } from "../api/mod.ts";
import { scratch, type State, stateOf } from "./state.ts";
import type { OpBody, Vertex, VertexOptions } from "./vertex.ts";

/** Filesystems laid over each other, the last on top. Empty ones fall away. */
export function merge(states: readonly State[], options: VertexOptions = {}): State {
  const [first, second, ...rest] = states.filter((state) => state.output !== undefined);
  if (!first) return scratch;
  return second ? stateOf(new MergeVertex([first, second, ...rest], options)) : first;
}

/** What changes from `lower` to `upper`, deletions included. */
export function diff(lower: State, upper: State, options: VertexOptions = {}): State {
  return stateOf(new DiffVertex(lower, upper, options));
}

class MergeVertex implements Vertex {
  readonly inputs: readonly State[];
  readonly options: VertexOptions;
  constructor(inputs: readonly State[], options: VertexOptions) {
    this.inputs = inputs;
    this.options = options;
  }
  body(number: (input: State) => bigint): OpBody {
    const inputs = this.inputs.map((input) => create(pb.MergeInputSchema, { input: number(input) }));
    return { op: { case: "merge", value: create(pb.MergeOpSchema, { inputs }) }, capabilities: ["mergeop"] };
  }
}

class DiffVertex implements Vertex {
  readonly inputs: readonly [State, State];
  readonly options: VertexOptions;
  constructor(lower: State, upper: State, options: VertexOptions) {
    this.inputs = [lower, upper];
    this.options = options;
  }
  body(number: (input: State) => bigint): OpBody {
    const [lower, upper] = this.inputs;
    const op = create(pb.DiffOpSchema, { lower: { input: number(lower) }, upper: { input: number(upper) } });
    return { op: { case: "diff", value: op }, capabilities: ["diffop"] };
  }
}
