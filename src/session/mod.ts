/**
 * The way back from the engine to its client: logins, directories, results. A session is a stream of the Control API inside which the roles are
 * reversed; both ends stand here side by side.
 *
 * Client: what it offers, and a session that offers it.
 * ```ts
 * await using session = await openSession(channel, {
 *   attachables: [authProvider({ credentials })],
 *   sharedKey: "project:0123456789abcdef",
 * });
 * await client.solve({ Session: session.id, … });
 * ```
 * Engine: the manager serves `Control.Session` (its route comes before the service's own), and hands out callers by id.
 * ```ts
 * const sessions = new SessionManager();
 * createRpcServer({ services: [sessions.route(), service(control.Control, …)] });
 * const caller = await sessions.get(request.Session, { signal });
 * const { Username } = await caller.client(auth.Auth).credentials({ Host }, { signal, timeoutMs: 60_000 });
 * ```
 */
export type { Attachable } from "./client/attachable.ts";
export { openSession, type Session, type SessionOptions } from "./client/open-session.ts";
export {
  authProvider,
  type SessionCredentials,
  type SessionLogin,
  type SessionTokenFetcher,
} from "./client/auth-provider.ts";
export { healthService } from "./client/health.ts";
export { SessionManager } from "./engine/session-manager.ts";
export type { HealthCheckOptions } from "./engine/health-check.ts";
export type { SessionCaller } from "./engine/session-caller.ts";
export { newSessionId } from "./handshake.ts";
