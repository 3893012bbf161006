/**
 * What the user's machine already says: Docker's `config.json` with its logins and credential helpers, and the proxies it names.
 */
export { type DockerConfig, loadDockerConfig, type StoredLogin } from "./config.ts";
export { credentialsFromDocker, type DockerCredentials, type DockerLogin } from "./credentials.ts";
export { type ProxyConfig, proxyVariables } from "./proxies.ts";
