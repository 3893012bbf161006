/**
 * What the user's machine already says: Docker's `config.json` with its logins and credential helpers, and the proxies it names;
 * its contexts; and the Docker Engine itself, by its API.
 */
export { type DockerConfig, dockerConfigDirectory, loadDockerConfig, type StoredLogin } from "./config.ts";
export { credentialsFromDocker, type DockerCredentials, type DockerLogin } from "./credentials.ts";
export { eraseLogin, type KeptIn, type LoginToKeep, storeLogin } from "./login-store.ts";
export { dockerHubKey, loginKey } from "./login-key.ts";
export { TokenSeeds } from "./token-seeds.ts";
export { type ProxyConfig, proxyVariables } from "./proxies.ts";
export { type DockerContext, findContext, listContexts, readTlsDirectory, type TlsMaterial } from "./contexts/mod.ts";
export {
  type ContainerSpec,
  type ContainerState,
  currentContextName,
  defaultDockerHost,
  DockerEngine,
  dockerEngineAddress,
  type EngineAddress,
  engineAddressOf,
  type EngineCall,
  type EngineImage,
  type EngineImages,
  type EngineInfo,
  type EngineMessage,
  type EngineSurroundings,
  type ExecResult,
  parseDockerHost,
  type RegistryLogin,
  type TransferCall,
} from "./engine/mod.ts";
