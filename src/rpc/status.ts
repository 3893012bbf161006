import { create, fromBinary, toBinary } from "../base/protobuf/mod.ts";
import { status } from "../api/mod.ts";
import { asBuildError, BuildError } from "../base/errors/mod.ts";
import type { Metadata } from "./metadata.ts";
import { decodeSourceDetail, encodeSourceDetail, linesOf, sourceDetailType } from "./source-detail.ts";
import { codeOfNumber, numberOfCode } from "./status-codes.ts";

/**
 * Longest `google.rpc.Status` that a trailer takes. nghttp2, which Node is made of, breaks the connection at a header value of 64 KiB, and this one
 * is base64.
 */
const maxDetailsBytes = 47 * 1024;
/** Longest message that a trailer takes, in UTF-16 units. */
const maxMessageLength = 16 * 1024;

/** Anything thrown as the status that tells the other side: code, message, and the details (a place in a source text is one of them). */
export function statusOf(thrown: unknown): status.Status {
  const error = asBuildError(thrown);
  const details = [...error.details];
  if (error.location && !details.some((detail) => detail.typeUrl === sourceDetailType)) {
    details.push(encodeSourceDetail(linesOf(error.location)));
  }
  return create(status.StatusSchema, {
    code: numberOfCode(error.code),
    message: error.message,
    details: details.map(({ typeUrl, value }) => ({ typeUrl, value })),
  });
}

/** The error behind a status that is not success; its location is the innermost place that the details name. */
export function errorOf(received: status.Status): BuildError {
  const details = received.details.map(({ typeUrl, value }) => ({ typeUrl, value }));
  const location = details.map(decodeSourceDetail).findLast((range) => range !== undefined);
  return new BuildError(codeOfNumber(received.code), plainMessage(received.message), { details, location });
}

/** Trailers of a call that succeeded. */
export const okTrailers: Readonly<Record<string, string>> = { "grpc-status": "0" };

/** Trailers of a call that failed with `thrown`. */
export function encodeTrailers(thrown: unknown): Record<string, string> {
  const message = statusOf(thrown);
  message.message = message.message.slice(0, maxMessageLength);
  const trailers: Record<string, string> = {
    "grpc-status": String(message.code),
    "grpc-message": percentEncode(message.message),
  };
  // Dropping the largest details first keeps what points to vertex and exit code when a source text is too long.
  while (message.details.length > 0) {
    const bytes = toBinary(status.StatusSchema, message);
    if (bytes.byteLength <= maxDetailsBytes) {
      trailers["grpc-status-details-bin"] = Buffer.from(bytes).toString("base64").replace(/=+$/, "");
      break;
    }
    const largest = message.details.reduce((a, b) => (b.value.byteLength > a.value.byteLength ? b : a));
    message.details.splice(message.details.indexOf(largest), 1);
  }
  return trailers;
}

/** The error that trailers carry; `undefined` when they say that the call succeeded. */
export function decodeTrailers(trailers: Metadata): BuildError | undefined {
  const code = trailers.get("grpc-status");
  if (code === "0") return undefined;
  if (code === undefined) return new BuildError("internal", "server closed the stream without sending trailers");
  const packed = trailers.get("grpc-status-details-bin");
  if (packed !== undefined) {
    try {
      const message = fromBinary(status.StatusSchema, Buffer.from(packed, "base64"));
      if (message.code === Number(code)) return errorOf(message);
    } catch {
      // a detail that cannot be read must not hide the error itself
    }
  }
  return new BuildError(codeOfNumber(Number(code)), plainMessage(percentDecode(trailers.get("grpc-message") ?? "")));
}

/** Programs written in Go put the status into the text of an error that they pass on; here the code says it. */
function plainMessage(message: string): string {
  return message.replace(/^(?:rpc error: code = \w+ desc = )+/, "");
}

/** `grpc-message`: UTF-8, with `%`, everything that is not printable ASCII, and spaces at either end (which no header may have) as `%XX`. */
function percentEncode(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\x20-\x24\x26-\x7e]+|^ +| +$/g, (run) =>
      Array.from(Buffer.from(run), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
    );
}

function percentDecode(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString());
}
