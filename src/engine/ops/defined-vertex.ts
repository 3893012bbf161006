import type { pb } from "../../api/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { Vertex } from "../solver/mod.ts";

/** A vertex that came from a definition, with what that says of it. */
export interface DefinedVertex<C> extends Vertex<Ref, C> {
  readonly definedAs: pb.Op;
}

/** What a definition says of a vertex; `undefined` where it came from none. */
export function definitionOf(vertex: object): pb.Op | undefined {
  return (vertex as Partial<DefinedVertex<unknown>>).definedAs;
}
