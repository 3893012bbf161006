import type { IncomingMessage } from "node:http";
import { type Duplex, pipeline, Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { BuildError, messageOf } from "../errors/mod.ts";

/** What is asked of a server. */
export interface FetchOptions {
  readonly method?: "GET" | "HEAD";
  /** By their names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** As many as Go follows. */
const maxRedirects = 10;
const connectTimeoutMs = 30_000;
const idleTimeoutMs = 300_000;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const decoders: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

let isReady = false;

/**
 * As `fetch`, from any port, over the proxies that the environment names (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`, in capitals or not), trusting the authorities
 * that Node trusts. A redirect to elsewhere takes no login along.
 * @throws {BuildError} `invalid_argument` for a proxy that is no address, and for what is no HTTP; `unavailable` after too many redirects and too long a silence; and
 * what system calls say
 */
export async function fetchFrom(address: string | URL, options: FetchOptions): Promise<Response> {
  await useProxies();
  let { headers = {} } = options;
  let url = new URL(address);
  for (let hops = 0; hops <= maxRedirects; hops++) {
    const answer = await ask(url, { ...options, headers });
    const { statusCode = 0, headers: said } = answer;
    if (!redirects.has(statusCode) || said.location === undefined) return responseOf(answer, options);
    answer.on("error", () => undefined).destroy();
    const next = new URL(said.location, url);
    if (next.origin !== url.origin) {
      const { authorization: _, cookie: __, ...others } = headers;
      headers = others;
    }
    url = next;
  }
  throw new BuildError("unavailable", `stopped after ${maxRedirects} redirects`);
}

async function useProxies(): Promise<void> {
  if (isReady) return;
  // Programs come to their authorities when they load this themselves: see src/main/authorities.ts.
  await import("node:tls");
  const { setGlobalProxyFromEnv } = await import("node:http");
  try {
    setGlobalProxyFromEnv(process.env);
  } catch (cause) {
    throw new BuildError("invalid_argument", `invalid proxy in the environment: ${messageOf(cause)}`, { cause });
  }
  isReady = true;
}

/** One request. A connection that was kept and turns out to be closed is no failure. */
async function ask(url: URL, { method = "GET", headers, signal }: FetchOptions): Promise<IncomingMessage> {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new BuildError("invalid_argument", `unsupported protocol scheme "${url.protocol.slice(0, -1)}"`);
  }
  signal.throwIfAborted();
  const { request } = await (url.protocol === "https:" ? import("node:https") : import("node:http"));
  const all = { accept: "*/*", "user-agent": "polyarch", ...headers };
  const attempt = Promise.withResolvers<IncomingMessage>();
  const asked = request(url, { method, headers: all });
  const give = (why: string) => () => void asked.destroy(new BuildError("unavailable", why));
  const stop = () => void asked.destroy(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  const connecting = setTimeout(give("connection timed out"), connectTimeoutMs);
  asked.on("socket", (socket) => {
    if (!socket.connecting) clearTimeout(connecting);
    socket.once("connect", () => clearTimeout(connecting));
  });
  asked.setTimeout(idleTimeoutMs, give("the server says nothing"));
  asked.on("response", attempt.resolve).on("error", attempt.reject).end();
  try {
    return await attempt.promise;
  } catch (error) {
    const isStale = asked.reusedSocket && (error as NodeJS.ErrnoException).code === "ECONNRESET";
    if (!isStale || signal.aborted) throw error;
    return await ask(url, { method, ...(headers && { headers }), signal });
  } finally {
    clearTimeout(connecting);
    signal.removeEventListener("abort", stop);
  }
}

function responseOf(answer: IncomingMessage, { method, signal }: FetchOptions): Response {
  const { statusCode: status = 0, headers, statusMessage: statusText = "" } = answer;
  const told = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value ?? []].flat()) told.append(name, one);
  }
  if (method === "HEAD" || status === 204 || status === 205 || status === 304) {
    answer.resume();
    return new Response(null, { status, statusText, headers: told });
  }
  const stop = () => void answer.destroy(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  answer.once("close", () => signal.removeEventListener("abort", stop));
  const decoder = decoders[headers["content-encoding"]?.toLowerCase() ?? ""]?.();
  const bytes = decoder ? pipeline(answer, decoder, () => undefined) : answer; // whoever reads gets the failure
  return new Response(Readable.toWeb(bytes) as ReadableStream<Uint8Array<ArrayBuffer>>, {
    status,
    statusText,
    headers: told,
  });
}
