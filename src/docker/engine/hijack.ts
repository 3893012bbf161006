import type { Duplex } from "node:stream";
import { BuildError } from "../../base/errors/mod.ts";
import { reasonIn, reasonOf } from "./failures.ts";

/** A request whose answer is the connection itself. */
export interface HijackRequest {
  readonly path: string;
  /** What the connection becomes. */
  readonly protocol: "tcp" | "h2c";
  /** The Host header; the engine's gRPC endpoints are used to an empty one. */
  readonly host: string;
  readonly headers?: Iterable<readonly [string, string]>;
  readonly body?: unknown;
}

/** Longest answer head, or body of a refusal, that is read. */
const maxHeadBytes = 64 * 1024;

/**
 * Sends a request over a fresh connection and hands the connection back when the engine has switched to the other protocol.
 * @throws {BuildError} what the engine says against it; the connection is then closed
 */
export async function hijack(
  stream: Duplex,
  request: HijackRequest,
  options: { signal: AbortSignal },
): Promise<Duplex> {
  const { signal } = options;
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const onAbort = () => failed.reject(signal.reason);
  const onError = (cause: Error) =>
    failed.reject(new BuildError("unavailable", `the Docker Engine hung up: ${reasonOf(cause)}`, { cause }));
  signal.addEventListener("abort", onAbort, { once: true });
  stream.on("error", onError);
  try {
    stream.write(head(request));
    const answer = await Promise.race([readHead(stream), failed.promise]);
    if (answer.status !== 101) {
      const body = await Promise.race([readBody(stream, answer), failed.promise]);
      const reason = reasonIn(body, answer.status);
      throw new BuildError(
        answer.status === 404 ? "not_found" : "unavailable",
        `unable to upgrade to ${request.protocol}, received ${answer.status}: ${reason}`,
      );
    }
    return stream;
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    // destroyed streams may still tell late errors, which nobody listens for
    if (!stream.destroyed) stream.removeListener("error", onError);
  }
}

function head({ path, protocol, host, headers = [], body }: HijackRequest): Buffer {
  const text = body === undefined ? "" : JSON.stringify(body);
  const lines = [
    `POST ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    `Upgrade: ${protocol}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    ...(text === "" ? [] : ["Content-Type: application/json"]),
    ...[...headers].map(([name, value]) => `${name}: ${value.replaceAll(/[\r\n]/g, " ")}`),
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${text}`);
}

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

/** Reads up to the empty line; what follows it stays in the stream. */
async function readHead(stream: Duplex): Promise<Answer> {
  let seen = Buffer.alloc(0);
  for (;;) {
    const chunk = await nextChunk(stream);
    if (chunk === undefined) throw new BuildError("unavailable", "the Docker Engine hung up: unexpected EOF");
    seen = Buffer.concat([seen, chunk]);
    const end = seen.indexOf("\r\n\r\n");
    if (end >= 0) {
      const rest = seen.subarray(end + 4);
      if (rest.byteLength > 0) stream.unshift(rest);
      return parseHead(seen.subarray(0, end).toString("latin1"));
    }
    if (seen.byteLength > maxHeadBytes)
      throw new BuildError("unavailable", "the Docker Engine's answer makes no sense");
  }
}

function parseHead(text: string): Answer {
  const [first = "", ...lines] = text.split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
  if (!Number.isInteger(status)) {
    throw new BuildError(
      "unavailable",
      `the Docker Engine's answer makes no sense: ${JSON.stringify(first.slice(0, 80))}`,
    );
  }
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { status, headers: new Map(headers) };
}

/** The body of a refusal, as far as it is there: of known length, in chunks, or up to the end. */
async function readBody(stream: Duplex, { headers }: Answer): Promise<string> {
  const chunked = headers.get("transfer-encoding") === "chunked";
  const length = Number(headers.get("content-length") ?? maxHeadBytes);
  let seen = Buffer.alloc(0);
  const complete = () => (chunked ? seen.includes("0\r\n\r\n") : seen.byteLength >= Math.min(length, maxHeadBytes));
  while (!complete()) {
    const chunk = await nextChunk(stream);
    if (chunk === undefined) break;
    seen = Buffer.concat([seen, chunk]);
  }
  const text = seen.toString("utf8");
  return chunked ? text.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/gi, "") : text;
}

/** What is there, or comes next; `undefined` at the end. Leaves the stream paused. */
async function nextChunk(stream: Duplex): Promise<Buffer | undefined> {
  for (;;) {
    const chunk = stream.read() as Buffer | null;
    if (chunk !== null) return chunk;
    if (stream.readableEnded || stream.destroyed) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const events = ["readable", "end", "close"] as const;
    for (const event of events) stream.once(event, resolve);
    await promise;
    for (const event of events) stream.removeListener(event, resolve);
  }
}
