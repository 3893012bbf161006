import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "../base/protobuf/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import type { ByteStream, HandlerContext } from "./call.ts";

/** A method as generated code describes it: its kind and its two messages. */
export interface MethodShape<K extends DescMethod["methodKind"], I extends DescMessage, O extends DescMessage> {
  readonly methodKind: K;
  readonly input: I;
  readonly output: O;
}

/** What serves one method: the shape follows from the method's kind. Replies may be given without `$typeName`. */
export type MethodHandler<M> =
  M extends MethodShape<"unary", infer I, infer O>
    ? (request: MessageShape<I>, context: HandlerContext) => Promise<MessageInitShape<O>> | MessageInitShape<O>
    : M extends MethodShape<"server_streaming", infer I, infer O>
      ? (request: MessageShape<I>, context: HandlerContext) => AsyncIterable<MessageInitShape<O>>
      : M extends MethodShape<"client_streaming", infer I, infer O>
        ? (requests: AsyncIterable<MessageShape<I>>, context: HandlerContext) => Promise<MessageInitShape<O>>
        : M extends MethodShape<"bidi_streaming", infer I, infer O>
          ? (requests: AsyncIterable<MessageShape<I>>, context: HandlerContext) => AsyncIterable<MessageInitShape<O>>
          : never;

/** What serves a service. Methods that are left out answer `unimplemented`. */
export type ServiceHandlers<S extends DescService> = {
  readonly [K in keyof S["method"]]?: MethodHandler<S["method"][K]>;
};

/** What serves one path, in bytes. */
export interface Route {
  /** `/package.Service/Method` */
  readonly path: string;
  /** Whether one message asks and one answers. */
  readonly isUnary?: boolean;
  /** Serves one call; the call succeeds when the promise resolves and fails with what it throws. */
  run(stream: ServedStream, context: HandlerContext): Promise<void>;
}

/** The server's side of a call. */
export interface ServedStream extends ByteStream {
  /** Sends the response's headers now rather than with the first message or the status. */
  sendHeaders(): void;
}

/** The path of a method. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** The routes of a service. */
export function service<S extends DescService>(desc: S, handlers: ServiceHandlers<S>): readonly Route[] {
  const byName = handlers as Readonly<Record<string, AnyHandler | undefined>>;
  return desc.methods.flatMap((method) => {
    const handler = byName[method.localName];
    return handler ? [routeOf(method, handler.bind(handlers))] : [];
  });
}

/**
 * A route whose messages are left as bytes, for methods that carry other messages than they declare and for those where every copy counts.
 * What `handler` yields must not change afterwards.
 */
export function rawRoute(
  path: string,
  handler: (requests: AsyncIterable<Uint8Array>, context: HandlerContext) => AsyncIterable<Uint8Array>,
): Route {
  return {
    path,
    run: (stream, context) => sendReplies(stream, context, handler(stream.incoming, context), (bytes) => bytes),
  };
}

type AnyHandler = (input: never, context: HandlerContext) => unknown;

function routeOf(method: DescMethod, handler: AnyHandler): Route {
  const { methodKind, input, output } = method;
  const streamsIn = methodKind === "client_streaming" || methodKind === "bidi_streaming";
  const streamsOut = methodKind === "server_streaming" || methodKind === "bidi_streaming";
  return {
    path: pathOf(method),
    isUnary: methodKind === "unary",
    run: async (stream, context) => {
      const request = streamsIn
        ? decodeAll(input, stream.incoming)
        : decodeMessage(input, await onlyMessage(stream.incoming));
      const reply = handler(request as never, context);
      if (streamsOut) {
        await sendReplies(stream, context, reply as AsyncIterable<object>, (message) => encodeMessage(output, message));
      } else {
        void stream.send(encodeMessage(output, (await reply) as object));
      }
    },
  };
}

/** Sends what a streaming handler yields, and stops asking it when the caller has gone. */
async function sendReplies<T>(
  stream: ServedStream,
  { signal }: HandlerContext,
  replies: AsyncIterable<T>,
  encode: (reply: T) => Uint8Array,
): Promise<void> {
  const iterator = replies[Symbol.asyncIterator]();
  const first = iterator.next(); // runs the handler up to its first `await`, so that it can fill the headers
  // A caller may wait for headers before it sends anything, so they do not wait for the first message.
  stream.sendHeaders();
  for (let reply = await first; !reply.done; reply = await iterator.next()) {
    if (signal.aborted) {
      await iterator.return?.();
      throw signal.reason;
    }
    await stream.send(encode(reply.value));
  }
}

/** Encodes a message that may lack its `$typeName`. */
export function encodeMessage(desc: DescMessage, message: object): Uint8Array {
  return toBinary(desc, create(desc, message as MessageInitShape<DescMessage>));
}

/** @throws {BuildError} `internal` when the bytes are no such message */
export function decodeMessage<D extends DescMessage>(desc: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(desc, bytes);
  } catch (cause) {
    throw new BuildError("internal", `grpc: error unmarshalling ${desc.typeName}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Decodes each message as it is wanted. */
export async function* decodeAll<D extends DescMessage>(
  desc: D,
  messages: AsyncIterable<Uint8Array>,
): AsyncGenerator<MessageShape<D>> {
  for await (const bytes of messages) yield decodeMessage(desc, bytes);
}

/** The one message of a side that does not stream. */
export async function onlyMessage(messages: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let only: Uint8Array | undefined;
  for await (const message of messages) {
    if (only) throw new BuildError("internal", "cardinality violation: received more than one message");
    only = message;
  }
  if (!only) throw new BuildError("internal", "cardinality violation: received no message");
  return only;
}
