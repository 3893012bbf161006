/**
 * What the user's machine already says: Docker's `config.json` with its logins and credential helpers, and the proxies it names;
 * and the Docker Engine itself, as far as loading an image into it goes.
 */
export { type DockerConfig, loadDockerConfig, type StoredLogin } from "./config.ts";
export { credentialsFromDocker, type DockerCredentials, type DockerLogin } from "./credentials.ts";
export { type ProxyConfig, proxyVariables } from "./proxies.ts";
export { DockerEngine, dockerEngineAddress, type EngineAddress } from "./engine/mod.ts";
