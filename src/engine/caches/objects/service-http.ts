import { BuildError } from "../../../base/errors/mod.ts";
import { collectBytes } from "../../../oci/mod.ts";
import {
  codeOf,
  type HostConfig,
  type HttpRequest,
  type HttpResponse,
  isTransientStatus,
  NetworkError,
  nextDelayMs,
  pause,
  type RetryPolicy,
  type Transport,
} from "../../../registry/mod.ts";

/** One request to a service that keeps objects. It may be sent more than once. */
export interface ServiceRequest {
  readonly method: HttpRequest["method"];
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal: AbortSignal;
}

/** How a {@link ServiceHttp} reaches its service. */
export interface ServiceHttpOptions {
  readonly transport: Transport;
  /** How to reach a host, as this engine's configuration says. */
  readonly hosts: (host: string) => HostConfig;
  /** For messages, for instance `the S3 endpoint "minio:9000"`. */
  readonly service: string;
  /** The headers that a request goes out with, made anew for each attempt: signatures have times in them. */
  readonly sign: (request: ServiceRequest) => Readonly<Record<string, string>>;
  readonly policy: RetryPolicy;
  /** Requests wait for each other's pauses: who asks for less at once is refused less. */
  readonly sharesPauses?: boolean;
  /** How long to go on asking while the service says that there are too many requests; the policy's attempts when left out. */
  readonly patienceMs?: number;
}

/** Errors are short texts. */
const messageLimitBytes = 64 * 1024;

/** HTTP as services need it: signed, and retried after 429, 5xx and broken connections. Any other status is an answer. */
export class ServiceHttp {
  readonly #options: ServiceHttpOptions;
  #pausedUntil = 0;
  constructor(options: ServiceHttpOptions) {
    this.#options = options;
  }
  get policy(): RetryPolicy {
    return this.#options.policy;
  }
  /** @throws {NetworkError} when no answer came, after the retries that make sense */
  async send(request: ServiceRequest): Promise<HttpResponse> {
    const { policy } = this.#options;
    const begin = performance.now();
    for (let attempt = 1; ; attempt++) {
      await this.#waitForOthers(request);
      let delayMs: number | undefined;
      try {
        const response = await this.#sendOnce(request);
        if (!isTransientStatus(response.status)) return response;
        delayMs = this.#delayAfter(response, attempt, performance.now() - begin);
        if (delayMs === undefined) return response;
        await response.drop();
      } catch (error) {
        request.signal.throwIfAborted();
        if (!(error instanceof NetworkError) || !error.transient) throw error;
        delayMs = nextDelayMs(policy, attempt);
        if (delayMs === undefined) throw error;
      }
      if (this.#options.sharesPauses) this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + delayMs);
      else await pause(delayMs, request);
    }
  }
  #delayAfter(response: HttpResponse, attempt: number, elapsedMs: number): number | undefined {
    const { policy, patienceMs } = this.#options;
    const retryAfter = response.header("retry-after");
    if (response.status !== 429 || patienceMs === undefined) return nextDelayMs(policy, attempt, retryAfter);
    const endless = { ...policy, attempts: Number.POSITIVE_INFINITY };
    const delayMs = nextDelayMs(endless, attempt, retryAfter);
    return delayMs !== undefined && elapsedMs + delayMs < patienceMs ? delayMs : undefined;
  }
  async #waitForOthers(request: ServiceRequest): Promise<void> {
    const delayMs = this.#pausedUntil - performance.now();
    if (delayMs > 0) await pause(delayMs, request);
  }
  async #sendOnce(request: ServiceRequest): Promise<HttpResponse> {
    const { transport, hosts, service, sign } = this.#options;
    const { method, url, headers, body, signal } = request;
    return await transport.send({
      method,
      url: url.href,
      headers: {
        "user-agent": "polyarch",
        ...(body === undefined && method !== "GET" && method !== "HEAD" ? { "content-length": "0" } : {}),
        ...headers,
        ...sign(request),
      },
      ...(body === undefined ? {} : { body }),
      registry: url.host,
      service,
      config: hosts(url.host),
      signal,
    });
  }
}

/**
 * An answer that was not wanted, as an error. Reads its body.
 * @param what the beginning of the message, which ends where the status is to follow
 * @param explain what the service says of it, by its body; else the body itself is told
 */
export async function serviceError(
  what: string,
  response: HttpResponse,
  explain: (text: string) => string | undefined,
): Promise<BuildError> {
  const text = await textOf(response);
  const said =
    explain(text) ??
    text
      .replaceAll(/[\p{Cc}\s]+/gu, " ")
      .trim()
      .slice(0, 500);
  return new BuildError(codeOf(response.status), `${what} ${response.status}${said === "" ? "" : `, ${said}`}`);
}

/** The body of an answer that is a short document; what is longer is not read, and empty. */
export async function textOf(response: HttpResponse, limitBytes: number = messageLimitBytes): Promise<string> {
  const bytes = await collectBytes(response.body, { limitBytes }).catch(() => new Uint8Array());
  return new TextDecoder().decode(bytes);
}

/** The text of the first element of that name. */
export function elementOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text
    ?.replaceAll("&quot;", '"')
    .replaceAll("&#34;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
    .trim();
}

/** Tells what was being done when something failed, in the form of a handler for rejections. */
export function inContext(what: string): (cause: unknown) => never {
  return (cause) => {
    if (!(cause instanceof BuildError)) throw cause;
    throw new BuildError(cause.code, `${what}: ${cause.message}`, { cause });
  };
}
