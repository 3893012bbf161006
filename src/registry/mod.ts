/**
 * Talking to registries: resolve names, fetch and push blobs and manifests, log in. {@link openRegistry} makes the one client that
 * a process needs; where logins come from is the caller's business ({@link Credentials}, {@link TokenFetcher}).
 */
export {
  anonymous,
  type Credentials,
  type Login,
  type RegistryToken,
  type TokenFetcher,
  type TokenRequest,
} from "./auth.ts";
export { SharedTokens } from "./shared-tokens.ts";
export { openRegistry, type RegistryOptions } from "./client.ts";
export { RegistryLanes } from "./lanes.ts";
export { logIn } from "./log-in.ts";
export {
  type FormChange,
  formChangeWarning,
  ManifestRefusedError,
  registryOfFormChange,
} from "./manifest-refused-error.ts";
export { referrersTag } from "./referrers.ts";
export type { CallOptions, HostConfig, Registry } from "./registry.ts";
export { NetworkError } from "./network-error.ts";
export { codeOf } from "./response-error.ts";
export { isTransientStatus, nextDelayMs, pause, type RetryPolicy } from "./retry.ts";
export { tokenFetcher } from "./token.ts";
export { type HttpRequest, type HttpResponse, loadHttpClient, Transport } from "./transport.ts";
