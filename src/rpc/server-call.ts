import { constants, type ServerHttp2Stream } from "node:http2";
import { asBuildError, BuildError, type ErrorCode } from "../base/errors/mod.ts";
import type { HandlerContext, Peer } from "./call.ts";
import { maxMessageBytes } from "./framing.ts";
import type { IncomingBudget } from "./incoming-budget.ts";
import { MessageReader } from "./message-reader.ts";
import { MessageWriter } from "./message-writer.ts";
import { Metadata } from "./metadata.ts";
import type { Route, ServedStream } from "./service.ts";
import { encodeTrailers, okTrailers } from "./status.ts";
import { maxTimerMs, parseTimeout } from "./timeout.ts";

const contentType = "application/grpc";

/** How a call ended. */
export type CallOutcome = "ok" | ErrorCode;

/** Hears of every call for which there is a route. */
export interface CallObserver {
  /** A call has begun. @returns what is told how it ended, and with which error */
  begin(route: Pick<Route, "path" | "isUnary">): (outcome: CallOutcome, error: unknown) => void;
}

/** Serves one HTTP/2 stream: finds its route, runs the handler and ends the stream with a status, whatever happens. */
export async function serveCall(
  stream: ServerHttp2Stream,
  rawHeaders: readonly string[],
  options: {
    readonly routes: ReadonlyMap<string, Route>;
    readonly peer: Peer | undefined;
    readonly budget: IncomingBudget;
    readonly observers: readonly CallObserver[];
  },
): Promise<void> {
  stream.on("error", () => undefined); // "close" follows, and that is what the call listens to
  const requestHeaders = Metadata.fromRawHeaders(rawHeaders);
  if (requestHeaders.get(":method") !== "POST" || !requestHeaders.get("content-type")?.startsWith(contentType)) {
    stream.respond({ ":status": 415 }, { endStream: true });
    stream.resume();
    return;
  }
  const path = requestHeaders.get(":path") ?? "";
  const call = new ServerCall(stream, path, requestHeaders, options);
  const route = options.routes.get(path);
  if (!route) {
    call.finish({ error: unknownMethod(path, options.routes) });
    return;
  }
  const ended = options.observers.map((observer) => observer.begin(route));
  try {
    await route.run(call, call.context);
    call.finish(undefined);
  } catch (error) {
    call.finish({ error: call.context.signal.aborted ? call.context.signal.reason : error });
  } finally {
    for (const tell of ended) tell(call.outcome, call.error);
  }
}

/** The server's side of one call. */
class ServerCall implements ServedStream {
  readonly context: HandlerContext;
  readonly incoming: MessageReader;
  /** Once it has ended. */
  outcome: CallOutcome = "ok";
  error: unknown;
  readonly #stream: ServerHttp2Stream;
  readonly #writer: MessageWriter;
  readonly #controller = new AbortController();
  #deadline: NodeJS.Timeout | undefined;
  #finished = false;
  constructor(
    stream: ServerHttp2Stream,
    path: string,
    requestHeaders: Metadata,
    options: Pick<Parameters<typeof serveCall>[2], "peer" | "budget">,
  ) {
    this.#stream = stream;
    this.#writer = new MessageWriter(stream);
    this.incoming = new MessageReader(stream, (error) => this.finish({ error }), { budget: options.budget });
    this.context = {
      path,
      signal: this.#controller.signal,
      requestHeaders,
      responseHeaders: new Metadata(),
      responseTrailers: new Metadata(),
      peer: options.peer,
    };
    stream.once("end", () => {
      if (this.incoming.incomplete) this.incoming.fail(new BuildError("internal", "unexpected EOF"));
      else this.incoming.end();
    });
    stream.once("aborted", () => this.#abort(new BuildError("canceled", "context canceled")));
    stream.once("close", () => this.#abort(new BuildError("canceled", "context canceled")));
    const timeoutMs = parseTimeout(requestHeaders.get("grpc-timeout"));
    if (timeoutMs !== undefined && timeoutMs <= maxTimerMs) {
      this.#deadline = setTimeout(() => this.#onDeadline(), timeoutMs);
    }
  }
  /** Sends the response's headers unless they have left already. */
  sendHeaders(): void {
    if (this.#stream.headersSent || this.#finished || !this.#writer.open) return;
    this.#stream.respond(
      { ...this.context.responseHeaders.toOutgoing(), ":status": 200, "content-type": contentType },
      { waitForTrailers: true },
    );
  }
  send(message: Uint8Array): Promise<void> {
    if (this.#finished) return Promise.resolve();
    // Nobody would take it: the caller learns why, instead of losing its connection.
    if (message.byteLength > maxMessageBytes) {
      throw new BuildError(
        "resource_exhausted",
        `grpc: trying to send message larger than max (${message.byteLength} vs. ${maxMessageBytes})`,
      );
    }
    this.sendHeaders();
    return this.#writer.send(message);
  }
  /** Ends the call: with success, or with what went wrong. Only the first time counts. */
  finish(failure: { readonly error: unknown } | undefined): void {
    if (this.#finished) return;
    const stream = this.#stream;
    if (!failure) this.sendHeaders();
    this.#finished = true;
    if (failure) {
      this.error = failure.error;
      this.outcome = asBuildError(failure.error).code;
    }
    clearTimeout(this.#deadline);
    if (stream.destroyed || stream.closed) return;
    const trailers = {
      ...this.context.responseTrailers.toOutgoing(),
      ...(failure ? encodeTrailers(failure.error) : okTrailers),
    };
    if (stream.headersSent) {
      stream.once("wantTrailers", () => {
        stream.sendTrailers(trailers);
        this.#hangUp();
      });
      stream.end();
    } else {
      stream.respond({ ...trailers, ":status": 200, "content-type": contentType }, { endStream: true });
      this.#hangUp();
    }
    if (failure) this.incoming.fail(failure.error);
  }
  /** Lets go of a caller that is still sending: nobody reads it any more. */
  #hangUp(): void {
    const stream = this.#stream;
    stream.resume();
    setImmediate(() => {
      if (!stream.destroyed && !stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }
  #onDeadline(): void {
    const error = new BuildError("deadline_exceeded", "context deadline exceeded");
    this.#abort(error);
    this.finish({ error });
  }
  #abort(error: BuildError): void {
    clearTimeout(this.#deadline);
    if (this.#finished) return;
    this.incoming.fail(error);
    this.#controller.abort(asBuildError(error));
  }
}

function unknownMethod(path: string, routes: ReadonlyMap<string, Route>): BuildError {
  const [, serviceName = "", method = ""] = /^\/(.*)\/([^/]*)$/.exec(path) ?? [];
  const known = [...routes.keys()].some((other) => other.startsWith(`/${serviceName}/`));
  return new BuildError(
    "unimplemented",
    known ? `unknown method ${method} for service ${serviceName}` : `unknown service ${serviceName}`,
  );
}
