/**
 * The Docker Engine by its HTTP API, over unix sockets, TCP, TLS and ssh: its containers and images, and the BuildKit inside it.
 */
export {
  currentContextName,
  defaultDockerHost,
  dockerEngineAddress,
  type EngineAddress,
  engineAddressOf,
  type EngineSurroundings,
  parseDockerHost,
} from "./address.ts";
export type { ContainerSpec, ContainerState, EngineCall, ExecResult } from "./containers.ts";
export { DockerEngine, type EngineInfo } from "./docker-engine.ts";
export type { EngineImage, EngineImages, RegistryLogin, TransferCall } from "./images.ts";
export type { EngineMessage } from "./json-messages.ts";
