import { createHash } from "node:crypto";
import { rootCertificates } from "node:tls";
import type { Dispatcher } from "undici";
import { isLoopback } from "./endpoint.ts";
import { networkError } from "./network-error.ts";
import type { HostConfig } from "./registry.ts";

/** One HTTP request, as it goes over the wire. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** For messages: the registry's name. */
  readonly registry: string;
  /** For messages: what the other side is, where it is no registry. */
  readonly service?: string;
  readonly config: HostConfig;
  readonly signal: AbortSignal;
}

/** The answer. Its body must be read to the end, or dropped. */
export interface HttpResponse {
  readonly status: number;
  readonly statusText: string;
  readonly method: string;
  /** Where it came from in the end. */
  readonly url: string;
  header(name: string): string | undefined;
  headers(name: string): string | readonly string[] | undefined;
  /** The bytes; breaks off with a {@link NetworkError}. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Throws the rest of the body away, so that the connection can be used again. */
  drop(): Promise<void>;
}

const connectTimeoutMs = 10_000;
const answerTimeoutMs = 60_000;
/** Registries that copy an upload into slow storage before they answer. */
const uploadTimeoutMs = 300_000;

/** Loads what requests are made with, which takes a while: for those who will make some and have nothing else to do just now. */
export async function loadHttpClient(): Promise<void> {
  await import("undici");
}

/** Connections to all hosts: pooled, HTTP/1.1, through the proxies of the environment. Knows nothing of registries. */
export class Transport {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #dispatchers = new Map<string, Promise<Dispatcher>>();
  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }
  /** Sends one request and waits for the head of the answer. @throws {NetworkError}, or the signal's reason */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { method, url, headers, body, signal } = request;
    signal.throwIfAborted();
    const dispatcher = await this.#dispatcherFor(new URL(url), request.config);
    const { origin, pathname, search } = new URL(url);
    try {
      const response = await dispatcher.request({
        origin,
        path: pathname + search,
        method,
        headers,
        signal,
        headersTimeout: body === undefined ? answerTimeoutMs : uploadTimeoutMs,
        bodyTimeout: answerTimeoutMs,
        ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : (body as never) }),
      });
      return wrap(request, response);
    } catch (error) {
      signal.throwIfAborted();
      throw networkError(request, error);
    }
  }
  async close(): Promise<void> {
    const dispatchers = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    await Promise.all(dispatchers.map(async (dispatcher) => await (await dispatcher).destroy()));
  }
  #dispatcherFor(url: URL, config: HostConfig): Promise<Dispatcher> {
    const proxied = !isLoopback(url.hostname);
    const key = createHash("sha256")
      .update(JSON.stringify([proxied, config.insecure, config.ca, config.clientCertificate]))
      .digest("hex");
    let dispatcher = this.#dispatchers.get(key);
    if (!dispatcher) {
      dispatcher = this.#open(proxied, config);
      this.#dispatchers.set(key, dispatcher);
    }
    return dispatcher;
  }
  async #open(proxied: boolean, config: HostConfig): Promise<Dispatcher> {
    const { Agent, EnvHttpProxyAgent } = await import("undici");
    const tls = {
      ...(config.insecure ? { rejectUnauthorized: false } : {}),
      ...(config.ca?.length ? { ca: [...rootCertificates, ...config.ca] } : {}),
      ...config.clientCertificate,
    };
    const options = {
      allowH2: false,
      connect: { timeout: connectTimeoutMs, ...tls },
      keepAliveTimeout: 15_000,
      maxHeaderSize: 64 * 1024,
    };
    const proxy = (name: string) => this.#env[name] || this.#env[name.toUpperCase()] || "";
    const [http, https] = [proxy("http_proxy"), proxy("https_proxy")];
    if (!proxied || (http === "" && https === "")) return new Agent(options);
    return new EnvHttpProxyAgent({
      ...options,
      httpProxy: http,
      httpsProxy: https,
      noProxy: proxy("no_proxy"),
      requestTls: tls,
    });
  }
}

function wrap(request: HttpRequest, response: Dispatcher.ResponseData): HttpResponse {
  const headers = (name: string) => response.headers[name];
  return {
    status: response.statusCode,
    statusText: response.statusText,
    method: request.method,
    url: request.url,
    headers,
    header: (name) => {
      const value = headers(name);
      return typeof value === "string" ? value : value?.[0];
    },
    body: readBody(request, response.body),
    drop: async () => {
      await response.body.dump({ limit: 128 * 1024 }).catch(() => undefined); // a broken rest is no loss
    },
  };
}

async function* readBody(
  request: HttpRequest,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (error) {
    request.signal.throwIfAborted();
    throw networkError(request, error);
  }
}
