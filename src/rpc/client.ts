import type { DescMessage, DescMethod, DescService, MessageInitShape, MessageShape } from "../base/protobuf/mod.ts";
import type { CallOptions } from "./call.ts";
import type { Channel } from "./channel.ts";
import type { ClientCall } from "./client-call.ts";
import { decodeMessage, encodeMessage, type MethodShape, onlyMessage, pathOf } from "./service.ts";

/** How one method is called: the shape follows from the method's kind. Requests may be given without `$typeName`. */
export type MethodCaller<M> =
  M extends MethodShape<"unary", infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : M extends MethodShape<"server_streaming", infer I, infer O>
      ? (request: MessageInitShape<I>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
      : M extends MethodShape<"client_streaming", infer I, infer O>
        ? (requests: AsyncIterable<MessageInitShape<I>>, options?: CallOptions) => Promise<MessageShape<O>>
        : M extends MethodShape<"bidi_streaming", infer I, infer O>
          ? (requests: AsyncIterable<MessageInitShape<I>>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
          : never;

/** A service as seen by its caller: one function for each method. Streaming calls start when the result is first iterated. */
export type Client<S extends DescService> = { readonly [K in keyof S["method"]]: MethodCaller<S["method"][K]> };

/** Makes the functions that call `desc`'s methods over `channel`. They throw BuildErrors, or the reason of the signal they were given. */
export function createClient<S extends DescService>(desc: S, channel: Channel): Client<S> {
  const callers: Record<string, unknown> = {};
  for (const method of desc.methods) callers[method.localName] = callerOf(method, channel);
  return callers as Client<S>;
}

/**
 * A streaming call in bytes: sends what `requests` yields while it yields what the server answers.
 * Leaving the loop early cancels the call; the end of `requests` only closes this side.
 */
export async function* callRaw(
  channel: Channel,
  path: string,
  requests: AsyncIterable<Uint8Array>,
  options: CallOptions = {},
): AsyncGenerator<Uint8Array> {
  const call = await channel.start(path, options);
  const outgoing = requests[Symbol.asyncIterator]();
  void sendAll(call, outgoing);
  try {
    yield* call.incoming;
  } finally {
    call.cancel(new Error("the caller left"));
    // Not awaited: a source that is waiting for something else must not keep a finished call open.
    outgoing.return?.().then(undefined, () => undefined);
  }
}

function callerOf(method: DescMethod, channel: Channel): unknown {
  const path = pathOf(method);
  const { input, output } = method;
  switch (method.methodKind) {
    case "unary":
      return async (request: object, options: CallOptions = {}) => {
        const call = await channel.start(path, options);
        void call.send(encodeMessage(input, request));
        call.end();
        return decodeMessage(output, await onlyMessage(call.incoming));
      };
    case "client_streaming":
      return async (requests: AsyncIterable<object>, options?: CallOptions) =>
        decodeMessage(output, await onlyMessage(callRaw(channel, path, encodeAll(input, requests), options)));
    case "server_streaming":
      return (request: object, options?: CallOptions) =>
        decoded(output, callRaw(channel, path, encodeAll(input, [request]), options));
    case "bidi_streaming":
      return (requests: AsyncIterable<object>, options?: CallOptions) =>
        decoded(output, callRaw(channel, path, encodeAll(input, requests), options));
  }
}

async function* encodeAll(
  desc: DescMessage,
  messages: AsyncIterable<object> | Iterable<object>,
): AsyncGenerator<Uint8Array> {
  for await (const message of messages) yield encodeMessage(desc, message);
}

async function* decoded(desc: DescMessage, messages: AsyncIterable<Uint8Array>): AsyncGenerator<object> {
  for await (const bytes of messages) yield decodeMessage(desc, bytes);
}

/** Sends until the requests end, the call is over, or their source throws: then the call fails with what it threw. */
async function sendAll(call: ClientCall, requests: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    for (let request = await requests.next(); !request.done; request = await requests.next()) {
      if (call.finished) return;
      await call.send(request.value);
    }
    call.end();
  } catch (error) {
    call.cancel(error);
  }
}
