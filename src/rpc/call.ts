import type { Metadata, MetadataInit } from "./metadata.ts";

/** The process at the other end of a unix socket, as the kernel tells it. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** What a handler knows of the call that it serves. */
export interface HandlerContext {
  /** Path of the method, for instance `/moby.buildkit.v1.Control/Solve`. */
  readonly path: string;
  /** Aborts when the caller cancels, its deadline passes or the connection breaks; its reason is a BuildError. */
  readonly signal: AbortSignal;
  readonly requestHeaders: Metadata;
  /** Sent before the first message. Streaming handlers fill it before their first `await`, since headers leave right after that. */
  readonly responseHeaders: Metadata;
  /** Sent after the last message, beside the status. */
  readonly responseTrailers: Metadata;
  /** Who calls, where the connection is a unix socket and the server was told how to ask. */
  readonly peer: Peer | undefined;
}

/** One side of a call that is under way, in bytes; typed handlers and clients are made of it. */
export interface ByteStream {
  /** Messages of the other side, for one consumer. Ends when the other side has sent all; throws its error, or why the call was cancelled. */
  readonly incoming: AsyncIterable<Uint8Array>;
  /** Sends one message; the promise resolves when there is room for the next one, and never rejects. */
  send(message: Uint8Array): Promise<void>;
}

/** What a caller may add to a call. */
export interface CallOptions {
  /** Cancels the call; the call then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly headers?: MetadataInit | undefined;
  /** After this the call fails with `deadline_exceeded`; the server is told as well. */
  readonly timeoutMs?: number | undefined;
  /** Sees the response's headers when they arrive. */
  readonly onHeaders?: ((headers: Metadata) => void) | undefined;
  /** Sees the trailers when they arrive. */
  readonly onTrailers?: ((trailers: Metadata) => void) | undefined;
}
