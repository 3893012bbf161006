import type { pb } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { Digest, Platform } from "../../oci/mod.ts";
import { decodeDefinition, type Graph, type GraphOp } from "../../llb/mod.ts";
import type { Ref } from "../refs/mod.ts";
import type { Edge, Op, Vertex } from "../solver/mod.ts";
import { buildOp } from "./build-op.ts";
import type { OpDeps } from "./deps.ts";
import type { DefinedVertex } from "./defined-vertex.ts";
import { diffOp } from "./diff-op.ts";
import type { OpEnvironment } from "./environment.ts";
import { execOp } from "./exec/exec-op.ts";
import { resourceLimits } from "./exec/resource-limits.ts";
import { fileOp } from "./file/file-op.ts";
import { mergeOp } from "./merge-op.ts";
import { passthroughOp } from "./passthrough-op.ts";
import { sourceOp } from "./source-op.ts";

/** A definition ready to be built. */
export interface LoadedDefinition<C extends OpEnvironment> {
  /** The result asked for; `undefined` is the empty tree. */
  readonly edge: Edge<Ref, C> | undefined;
  readonly graph: Graph;
}

/** What is not in a definition itself. */
export interface LoadOptions {
  /** What to take in place of sources, by vertex. */
  readonly sources?: ReadonlyMap<Digest, pb.SourceOp>;
}

/**
 * Decodes and checks `definition` and binds each op to `deps`. Runs nothing.
 * @throws {BuildError} `invalid_argument` for a malformed definition, `unimplemented` for what this engine cannot do
 */
export function loadDefinition<C extends OpEnvironment>(
  definition: pb.Definition,
  deps: OpDeps<C>,
  options: LoadOptions = {},
): LoadedDefinition<C> {
  const graph = decodeDefinition(definition);
  const vertices = new Map<Digest, Vertex<Ref, C>>();
  const edgeTo = ({ digest, index }: { readonly digest: Digest; readonly index: number }): Edge<Ref, C> => {
    const vertex = vertices.get(digest);
    if (!vertex) throw new Error(`Internal error: vertex ${digest} does not come before what needs it`);
    return { vertex, index };
  };
  for (const [digest, node] of graph.ops) vertices.set(digest, toVertex(node, node.inputs.map(edgeTo), deps, options));
  return { edge: graph.result && edgeTo(graph.result), graph };
}

function toVertex<C extends OpEnvironment>(
  node: GraphOp,
  inputs: readonly Edge<Ref, C>[],
  deps: OpDeps<C>,
  options: LoadOptions,
): DefinedVertex<C> {
  const { metadata } = node;
  const group = metadata?.progressGroup;
  return {
    digest: node.digest,
    name: node.name,
    inputs,
    definedAs: node.op,
    op: bind(node, inputs.length, deps, options),
    locations: node.locations,
    ...(metadata?.ignoreCache && { ignoreCache: true }),
    ...(metadata?.exportCache && { exportCache: metadata.exportCache.Value }),
    ...(group && { progressGroup: { id: group.id, name: group.name, weak: group.weak } }),
    ...(metadata && { description: metadata.description }),
  };
}

function bind<C extends OpEnvironment>(
  node: GraphOp,
  inputs: number,
  deps: OpDeps<C>,
  { sources }: LoadOptions,
): Op<Ref, C> {
  const { op, name: description } = node;
  const platform: Platform = node.platform ?? deps.platform;
  switch (op.op.case) {
    case "source":
      return sourceOp(sources?.get(node.digest) ?? op.op.value, { vertex: node.digest, platform }, deps.sources);
    case "exec":
      return execOp(
        op.op.value,
        {
          vertex: node.digest,
          inputs,
          platform,
          description,
          ignoreCache: node.metadata?.ignoreCache ?? false,
          resources: resourceLimits(node.metadata?.linuxResources),
        },
        deps,
      );
    case "file":
      return fileOp(op.op.value, { inputs, description }, deps);
    case "merge":
      return mergeOp(op.op.value, inputs, deps);
    case "diff":
      return diffOp(op.op.value, { inputs, description }, deps);
    case "build":
      return buildOp(op.op.value, inputs, deps);
    case "passthrough":
      return passthroughOp(op.op.value, inputs);
    default:
      throw new BuildError("invalid_argument", "invalid op without a known arm");
  }
}
