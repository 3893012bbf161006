/**
 * The client's side of BuildKit's control API. An engine may be anywhere that a byte stream leads to:
 *
 * ```ts
 * await using client = new BuildKitClient(connect({ open: dialAddress("unix:///run/polyarch/polyarchd.sock") }));
 * await using session = await client.openSession({ attachables: [fileSync({ dirs: { context: { path: "." } } })] });
 * const news = Array.fromAsync(client.status(ref));                 // in parallel with:
 * const { ExporterResponse } = await client.solve({ Ref: ref, Session: session.id, Frontend: "dockerfile.v0" }, { signal });
 * ```
 * Waiting for an engine that is starting: call `info` until it no longer throws `unavailable`.
 */
export {
  type BuildkitVersion,
  BuildKitClient,
  type CallControl,
  type HistoryEvent,
  type HistoryQuery,
  type HistoryRecord,
  type PruneRules,
  type SolveRequest,
  type SolveResponse,
  type StatusResponse,
  type UsageRecord,
  type WorkerRecord,
} from "./buildkit-client.ts";
export type { BuildToLead, LedBuild } from "./lead-build.ts";
export { type Dial, dialAddress, type DialOptions } from "./dial.ts";
export { tlsContext, type TlsFiles } from "./tls.ts";
export type { DialSession } from "../session/mod.ts";
export { connect, type Channel } from "../rpc/mod.ts";
