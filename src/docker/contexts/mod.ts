/** Docker contexts: the engines that the user's machine has names for. */
export { type DockerContext, findContext, listContexts } from "./context-store.ts";
export { readTlsDirectory, type TlsMaterial } from "./tls-material.ts";
