import type { pb } from "../../api/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { Edge } from "../solver/mod.ts";
import type { OpDeps } from "./deps.ts";
import type { OpEnvironment } from "./environment.ts";

/** A definition ready to be built. */
export interface LoadedDefinition<C extends OpEnvironment> {
  /** The result asked for; `undefined` is the empty tree. */
  readonly edge: Edge<Ref, C> | undefined;
}

/**
 * Decodes and checks `definition` and binds each op to `deps`. Runs nothing.
 * @throws {BuildError} `invalid_argument` for a malformed definition, `unimplemented` for what this engine cannot do
 */
export declare function loadDefinition<C extends OpEnvironment>(
  definition: pb.Definition,
  deps: OpDeps<C>,
): LoadedDefinition<C>;
