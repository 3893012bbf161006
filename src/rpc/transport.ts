import { constants, type Http2Session, type ServerSessionOptions } from "node:http2";
import { type ErrorCode } from "../base/errors/mod.ts";

/** Bytes in flight per stream. */
const streamWindowBytes = 4 * 1024 * 1024;
/** Bytes in flight per connection. */
const connectionWindowBytes = 16 * 1024 * 1024;
/** Longest header block in either direction: lists of patterns and error details are long. */
const maxHeaderBytes = 1024 * 1024;

/** Calls at once on one connection: no client comes near it, and those that do wait. */
const maxConcurrentStreams = 1000;

/**
 * What both ends of a connection set. The windows carry large contexts; the limit on resets is raised because one connection serves one client that
 * cancels many calls when a build ends.
 */
export const sessionOptions: ServerSessionOptions = {
  settings: {
    initialWindowSize: streamWindowBytes,
    maxFrameSize: 1024 * 1024,
    maxHeaderListSize: maxHeaderBytes,
    enablePush: false,
    maxConcurrentStreams,
  },
  maxHeaderListPairs: 65_536,
  maxSendHeaderBlockLength: maxHeaderBytes,
  maxSessionMemory: 256,
  maxSessionInvalidFrames: 1000,
  maxSettings: 64,
  streamResetBurst: 10_000,
  streamResetRate: 1000,
};

/** Opens the connection's own window, which Node leaves at 64 KiB. */
export function widenWindow(session: Http2Session): void {
  if (!session.destroyed) session.setLocalWindowSize(connectionWindowBytes);
}

/** The status that stands for a stream which the peer reset. */
export function codeOfReset(resetCode: number): ErrorCode {
  switch (resetCode) {
    case constants.NGHTTP2_CANCEL:
      return "canceled";
    case constants.NGHTTP2_REFUSED_STREAM:
      return "unavailable";
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return "resource_exhausted";
    case constants.NGHTTP2_INADEQUATE_SECURITY:
      return "permission_denied";
    default:
      return "internal";
  }
}

/** The status that stands for an answer which is HTTP and not gRPC. */
export function codeOfHttpStatus(status: number): ErrorCode {
  switch (status) {
    case 400:
      return "internal";
    case 401:
      return "unauthenticated";
    case 403:
      return "permission_denied";
    case 404:
      return "unimplemented";
    case 429:
    case 502:
    case 503:
    case 504:
      return "unavailable";
    default:
      return "unknown";
  }
}
