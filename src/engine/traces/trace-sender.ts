import { createConnection, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { traceService as api } from "../../api/mod.ts";
import { messageOf } from "../../base/errors/mod.ts";
import { log } from "../../base/log/mod.ts";
import { create, toBinary } from "../../base/protobuf/mod.ts";
import { type Channel, connect, createClient } from "../../rpc/mod.ts";
import type { ReportedSpan } from "./span-json.ts";
import type { TraceTarget } from "./trace-target.ts";

/** Spans wait so long for others, or until there are so many; what comes while too many wait is not sent. */
const patienceMs = 5_000;
const batchSpans = 512;
const maxWaiting = 2_048;
/** How long a collector may take to answer, and at the engine's end. */
const answerMs = 10_000;
const lastAnswerMs = 2_000;

type Request = ReturnType<typeof requestOf>;

/** Sends spans to a collector, some at a time. A collector that does not answer does no build any harm: its first failure in a row is logged. */
export class TraceSender implements AsyncDisposable {
  readonly #target: TraceTarget;
  #waiting: ReportedSpan[] = [];
  #sending: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #channel: Channel | undefined;
  #hasFailed = false;

  constructor(target: TraceTarget) {
    this.#target = target;
  }

  /** Takes a span, to be sent soon. */
  add(span: ReportedSpan): void {
    if (this.#waiting.length >= maxWaiting) return;
    this.#waiting.push(span);
    if (this.#waiting.length >= batchSpans) void this.#flush(answerMs);
    else this.#timer ??= setTimeout(() => void this.#flush(answerMs), patienceMs).unref();
  }

  #flush(timeoutMs: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending = this.#sending.then(async () => {
      const spans = this.#waiting;
      if (spans.length === 0) return;
      this.#waiting = [];
      try {
        await this.#send(requestOf(spans), timeoutMs);
        this.#hasFailed = false;
      } catch (error) {
        if (!this.#hasFailed) log.warn(`cannot send traces to ${this.#target.url.href}: ${messageOf(error)}`);
        this.#hasFailed = true;
      }
    });
    return this.#sending;
  }

  async #send(request: Request, timeoutMs: number): Promise<void> {
    const { protocol, url, headers } = this.#target;
    if (protocol === "grpc") {
      this.#channel ??= connect({ open: async () => await dial(url), authority: url.host || "localhost" });
      await createClient(api.TraceService, this.#channel).export(request, { headers, timeoutMs });
      return;
    }
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/x-protobuf" },
      body: new Uint8Array(toBinary(api.ExportTraceServiceRequestSchema, request)),
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`the collector answers ${response.status}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flush(lastAnswerMs);
    await this.#channel?.close();
  }
}

/** Spans by whom they are from, as a collector takes them. */
function requestOf(spans: readonly ReportedSpan[]) {
  const byResource = Map.groupBy(spans, ({ resource }) => resource);
  return create(api.ExportTraceServiceRequestSchema, {
    resourceSpans: [...byResource].map(([resource, ofResource]) => ({
      ...(resource && { resource }),
      scopeSpans: [...Map.groupBy(ofResource, ({ scope }) => scope)].map(([scope, ofScope]) => ({
        ...(scope && { scope }),
        spans: ofScope.map(({ span }) => span),
        schemaUrl: ofScope[0]?.schemaUrl ?? "",
      })),
    })),
  });
}

async function dial(url: URL): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const isTls = url.protocol === "https:";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(url.port) || (isTls ? 443 : 80);
  const socket =
    url.protocol === "unix:"
      ? createConnection(decodeURIComponent(url.pathname))
      : isTls
        ? connectTls({ host, port, servername: host, ALPNProtocols: ["h2"] })
        : createConnection({ host, port });
  socket.once(isTls ? "secureConnect" : "connect", () => resolve());
  socket.once("error", reject);
  await promise;
  socket.off("error", reject);
  socket.unref(); // a collector keeps no engine alive
  return socket;
}
