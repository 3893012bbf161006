import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import { BuildError } from "../base/errors/mod.ts";
import { brokenConnection } from "./broken-connection.ts";
import type { ByteStream, CallOptions } from "./call.ts";
import { MessageReader } from "./message-reader.ts";
import { MessageWriter } from "./message-writer.ts";
import { Metadata } from "./metadata.ts";
import { decodeTrailers } from "./status.ts";
import { formatTimeout, maxTimerMs } from "./timeout.ts";
import { codeOfHttpStatus, codeOfReset } from "./transport.ts";

/** The client's side of one call. */
export class ClientCall implements ByteStream {
  readonly incoming: MessageReader;
  readonly #stream: ClientHttp2Stream;
  readonly #writer: MessageWriter;
  readonly #options: CallOptions;
  readonly #onAbort = () => this.#fail(this.#options.signal?.reason, constants.NGHTTP2_CANCEL);
  #deadline: NodeJS.Timeout | undefined;
  #trailers: Metadata | undefined;
  #streamError: Error | undefined;
  #readableEnded = false;
  #finished = false;
  /** Starts the call: its headers leave now. */
  constructor(session: ClientHttp2Session, path: string, options: CallOptions) {
    this.#options = options;
    const { signal, timeoutMs } = options;
    this.#stream = session.request({
      ...new Metadata(options.headers).toOutgoing(),
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": "polyarch",
      ...(timeoutMs === undefined ? {} : { "grpc-timeout": formatTimeout(timeoutMs) }),
    });
    const stream = this.#stream;
    this.#writer = new MessageWriter(stream);
    this.incoming = new MessageReader(stream, (error) => this.#fail(error, constants.NGHTTP2_CANCEL));
    // "close" follows, and that is what the call listens to
    stream.on("error", (error) => {
      this.#streamError = error;
    });
    stream.on("response", (headers, _flags, raw: string[]) => this.#onHeaders(headers[":status"] ?? 0, raw));
    stream.on("trailers", (_headers, _flags, raw: string[]) => this.#onTrailers(Metadata.fromRawHeaders(raw)));
    stream.once("end", () => {
      this.#readableEnded = true;
      this.#finishIfComplete();
    });
    stream.once("close", () => this.#onClose());
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (timeoutMs !== undefined && timeoutMs <= maxTimerMs) {
      this.#deadline = setTimeout(() => {
        this.#fail(new BuildError("deadline_exceeded", "context deadline exceeded"), constants.NGHTTP2_CANCEL);
      }, timeoutMs);
    }
  }
  /** Whether the status has arrived or the call was given up; nothing that is sent now reaches anybody. */
  get finished(): boolean {
    return this.#finished;
  }
  send(message: Uint8Array): Promise<void> {
    return this.#finished ? Promise.resolve() : this.#writer.send(message);
  }
  /** Says that this side sends no more. */
  end(): void {
    this.#writer.end();
  }
  /** Gives the call up; its reader throws `reason`. */
  cancel(reason: unknown): void {
    this.#fail(reason, constants.NGHTTP2_CANCEL);
  }
  #onHeaders(status: number, raw: readonly string[]): void {
    const headers = Metadata.fromRawHeaders(raw);
    if (headers.has("grpc-status")) this.#onTrailers(headers);
    else this.#options.onHeaders?.(headers);
    const contentType = headers.get("content-type") ?? "";
    if (status !== 200) {
      const text = `unexpected HTTP status code received from server: ${status}`;
      this.#fail(new BuildError(codeOfHttpStatus(status), text), constants.NGHTTP2_CANCEL);
    } else if (!contentType.startsWith("application/grpc")) {
      const text = `unexpected content-type ${JSON.stringify(contentType)}: the server does not speak gRPC`;
      this.#fail(new BuildError("unknown", text), constants.NGHTTP2_CANCEL);
    }
  }
  #onTrailers(trailers: Metadata): void {
    this.#trailers = trailers;
    this.#options.onTrailers?.(trailers);
    this.#finishIfComplete();
  }
  #finishIfComplete(): void {
    if (!this.#trailers || !this.#readableEnded || this.#finished) return;
    const error = decodeTrailers(this.#trailers);
    if (error) this.#fail(error, constants.NGHTTP2_NO_ERROR);
    else if (this.incoming.incomplete)
      this.#fail(new BuildError("internal", "unexpected EOF"), constants.NGHTTP2_NO_ERROR);
    else {
      this.#settle();
      this.incoming.end();
      this.#hangUp(constants.NGHTTP2_NO_ERROR);
    }
  }
  #onClose(): void {
    if (this.#finished) return;
    if (this.#trailers) {
      this.#readableEnded = true;
      this.#finishIfComplete();
      return;
    }
    const reset = this.#stream.rstCode ?? 0;
    const error =
      reset === constants.NGHTTP2_NO_ERROR || this.#stream.session?.destroyed !== false
        ? brokenConnection(this.#streamError)
        : new BuildError(codeOfReset(reset), `stream terminated by RST_STREAM with error code: ${reset}`);
    this.#fail(error, constants.NGHTTP2_NO_ERROR);
  }
  #fail(error: unknown, resetCode: number): void {
    if (this.#finished) return;
    this.#settle();
    this.incoming.fail(error);
    this.#hangUp(resetCode);
  }
  #settle(): void {
    this.#finished = true;
    clearTimeout(this.#deadline);
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
  }
  #hangUp(resetCode: number): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    stream.resume();
    if (resetCode === constants.NGHTTP2_NO_ERROR && stream.writableEnded) return;
    // Closing a stream ends its writable side first, and Node may send that end before the reset: what has been sent so far would look complete to
    // the server. So this stream's way of saying that it is at its end is taken from it.
    stream._final = (done) => done();
    stream.close(resetCode === constants.NGHTTP2_NO_ERROR ? constants.NGHTTP2_CANCEL : resetCode);
  }
}
