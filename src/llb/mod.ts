/**
 * LLB, the graph that BuildKit's engine runs. Pure.
 *
 * - Writing one: states are values, {@link marshal} turns the last of them into a `pb.Definition`.
 *   ```ts
 *   const built = image("docker.io/library/debian:12", { platform }).run({ args: ["make"], env: [], cwd: "/", platform });
 *   const definition = marshal(built);
 *   ```
 * - Reading one that came from outside: {@link decodeDefinition} checks it and gives its ops, inputs first.
 *
 * An op's name is the digest of its bytes; everything that does not decide its result travels beside it as metadata.
 */
export { definitionJson } from "./definition-json.ts";
export { isLlbCapability, type LlbCapability, llbCapabilities } from "./capabilities.ts";
export { decodeDefinition, decodePlatform, type Graph, type GraphInput, type GraphOp } from "./decode.ts";
export type { ProxySettings, RunMount as ExecMount, RunOptions, SecretVariable } from "./exec.ts";
export {
  type Chown,
  type CopyAction,
  type FileAction,
  type FileActions,
  type Owner,
  parseChown,
} from "./file-actions.ts";
export { stateOfDefinition } from "./given.ts";
export { diff, merge } from "./layers.ts";
export { encodePlatform, marshal, vertexDigest } from "./marshal.ts";
export { git, type GitOptions, http, image, local, type LocalOptions, source, type SourceOptions } from "./sources.ts";
export { deferredState, type Output, scratch, State, stateOf } from "./state.ts";
export type { LinuxResources, OpBody, SourceFile, Vertex, VertexOptions } from "./vertex.ts";
