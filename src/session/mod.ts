/**
 * The way back from the engine to its client: logins, directories, results. A session is a stream of the Control API inside which the roles are
 * reversed; both ends stand here side by side.
 *
 * Client: what it offers, and a session that offers it.
 * ```ts
 * await using session = await openSession(channel, {
 *   attachables: [
 *     authProvider({ credentials }),
 *     fileSync({ dirs: { context: { path: "." }, dockerfile: { path: "." } } }),
 *     fileSend([{ type: "directory", path: "out", mode: "copy" }]),       // by position of the exporter
 *   ],
 *   sharedKey: "project:0123456789abcdef",
 * });
 * await client.solve({ Session: session.id, … });
 * ```
 * Engine: the manager serves `Control.Session` (its route comes before the service's own), and hands out callers by id.
 * ```ts
 * const sessions = new SessionManager();
 * createRpcServer({ services: [sessions.route(), service(control.Control, …)] });
 * const caller = await sessions.get(request.Session, { signal });
 * const here = await locateDirectory(caller, "context", { signal });      // on this machine: read it in place
 * if (!here) await receiveDirectory(caller, "context", { target, exclude: ["*.log"], signal });
 * const { Username } = await caller.client(auth.Auth).credentials({ Host }, { signal, timeoutMs: 60_000 });
 * ```
 */
export type { Attachable } from "./client/attachable.ts";
export { type DialSession, openSession, type Session, type SessionOptions } from "./client/open-session.ts";
export {
  authProvider,
  type SessionCredentials,
  type SessionLogin,
  type SessionTokenFetcher,
  type SessionTokenSeeds,
} from "./client/auth-provider.ts";
export { fileSync, type FileSyncOptions, type SharedDirectory } from "./client/file-sync.ts";
export { type DirectoryTarget, type FileSink, type FileTarget, fileSend, type SendTarget } from "./client/file-send.ts";
export { healthService } from "./client/health.ts";
export { maxSecretBytes, secretProvider } from "./client/secrets.ts";
export { sshAgents } from "./client/ssh-agents.ts";
export { contentStores } from "./client/content-stores.ts";
export { uploadAddress, uploads } from "./client/uploads.ts";
export { blobRoutes } from "./content/blob-routes.ts";
export { clientBlobs } from "./engine/client-blobs.ts";
export { type ClientStore, clientStore } from "./engine/client-store.ts";
export { type ForwardedAgent, forwardedAgent } from "./engine/forward-agent.ts";
export { type AgentSocket, listenForAgent } from "./engine/agent-socket.ts";
export { proveTokenAuthority } from "./engine/prove-token-authority.ts";
export { getSecret } from "./engine/get-secret.ts";
export { pullUpload } from "./engine/pull-upload.ts";
export { SessionManager } from "./engine/session-manager.ts";
export type { HealthCheckOptions } from "./engine/health-check.ts";
export type { SessionCaller } from "./engine/session-caller.ts";
export { locateDirectory } from "./engine/locate-directory.ts";
export { receiveDirectory, type ReceiveDirectoryOptions } from "./engine/receive-directory.ts";
export { sendDirectory, sendFile, type SendResultOptions } from "./engine/send-result.ts";
export { newSessionId } from "./handshake.ts";
