/**
 * gRPC over HTTP/2, both ends, over any duplex: a socket, TLS, stdio, or a stream inside another call.
 *
 * Serving on a unix socket, with the kernel's word on who calls:
 * ```ts
 * const server = createRpcServer({
 *   services: [service(control.Control, {
 *     info: () => ({ buildkitVersion: { version: "v0.1.0" } }),            // unary: a message, or a promise of one
 *     async *status({ Ref }, { signal, responseHeaders, peer }) {           // server streaming: an async generator
 *       responseHeaders.set("buildkit-current-timestamp", new Date().toISOString()); // before the first await
 *       yield { vertexes: [] };
 *     },
 *     async *session(requests, context) {                                   // bidirectional: messages in, messages out
 *       for await (const { data } of requests) yield { data };
 *     },
 *   })],
 *   peerCredentials,                                                        // from base/sys
 * });
 * const listener = createServer().listen("/run/polyarch/polyarchd.sock");   // node:net
 * server.serve(listener);
 * ```
 * Calling:
 * ```ts
 * await using channel = connect({ open: async () => createConnection("/run/polyarch/polyarchd.sock") });
 * const { buildkitVersion } = await createClient(control.Control, channel).info({}, { signal, timeoutMs: 5000 });
 * ```
 * A handler fails its call by throwing: a BuildError travels with code, message and details and is thrown again at the caller. A caller cancels by
 * its signal or by leaving the loop; the handler's `context.signal` aborts. Streams hold back a sender that is faster than its receiver.
 * Messages are bounded by 16 MiB.
 */
export type { ByteStream, CallOptions, HandlerContext, Peer } from "./call.ts";
export { Metadata, type MetadataInit } from "./metadata.ts";
export {
  type MethodHandler,
  type Route,
  type ServedStream,
  type ServiceHandlers,
  pathOf,
  rawRoute,
  service,
} from "./service.ts";
export { createRpcServer, type RpcServer, type RpcServerOptions } from "./server.ts";
export type { CallObserver, CallOutcome } from "./server-call.ts";
export { connect, type Channel, type ChannelOptions } from "./channel.ts";
export type { ClientCall } from "./client-call.ts";
export { callRaw, type Client, createClient, type MethodCaller } from "./client.ts";
export { encodeSourceDetail } from "./source-detail.ts";
export { errorOf, statusOf } from "./status.ts";
export { codeOfNumber, goNameOfCode, numberOfCode } from "./status-codes.ts";
export { maxMessageBytes } from "./framing.ts";
