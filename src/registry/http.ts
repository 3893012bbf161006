import { BuildError } from "../base/errors/mod.ts";
import type { Authorizer } from "./authorizer.ts";
import type { Endpoint } from "./endpoint.ts";
import { redirectLimit, resolveLocation } from "./location.ts";
import { NetworkError } from "./network-error.ts";
import { type Lane, RegistryLanes } from "./lanes.ts";
import { isTransientStatus, nextDelayMs, pause, type RetryPolicy } from "./retry.ts";
import type { HttpResponse, Transport } from "./transport.ts";

/** One call of the distribution API. */
export interface ApiRequest {
  readonly endpoint: Endpoint;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Below the API's base, for instance `library/alpine/manifests/3`; or a whole URL that the registry gave. */
  readonly path: string;
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Opened anew for each attempt. */
  readonly body?: () => Uint8Array | AsyncIterable<Uint8Array>;
  /** What it counts against: small JSON documents do not wait behind big blobs. */
  readonly lane: Lane;
  /** Attempts in all; the policy's number when left out. */
  readonly attempts?: number;
  readonly signal: AbortSignal;
}

/** An answer with its place among the requests to that host; dispose of it when its body is done with. */
export interface ApiResponse extends HttpResponse, AsyncDisposable {}

const userAgent = "polyarch";

/** HTTP as registries need it: logged in, redirected, retried, and not too much at once. Any status is an answer; only silence is an error. */
export class RegistryHttp {
  readonly authorizer: Authorizer;
  readonly policy: RetryPolicy;
  readonly #transport: Transport;
  readonly #lanes: RegistryLanes;
  readonly #origins = new Map<string, string>();
  /** @param options.lanes of its own when left out */
  constructor(options: { transport: Transport; authorizer: Authorizer; policy: RetryPolicy; lanes?: RegistryLanes }) {
    this.#transport = options.transport;
    this.#lanes = options.lanes ?? new RegistryLanes();
    this.authorizer = options.authorizer;
    this.policy = options.policy;
  }
  /** @throws {NetworkError} when no answer came, after the retries that make sense */
  async send(request: ApiRequest): Promise<ApiResponse> {
    const place = await this.#lanes.acquire(request.lane, request.endpoint.host, request);
    try {
      const response = await this.#retried(request);
      return {
        ...response,
        [Symbol.asyncDispose]: async () => {
          await response.drop();
          place[Symbol.dispose]();
        },
      };
    } catch (error) {
      place[Symbol.dispose]();
      throw error;
    }
  }
  async #retried(request: ApiRequest): Promise<HttpResponse> {
    const policy = { ...this.policy, attempts: request.attempts ?? this.policy.attempts };
    for (let attempt = 1; ; attempt++) {
      let retryAfter: string | undefined;
      try {
        const response = await this.#authorized(request);
        if (!isTransientStatus(response.status)) return response;
        retryAfter = response.header("retry-after");
        if (nextDelayMs(policy, attempt, retryAfter) === undefined) return response;
        await response.drop();
      } catch (error) {
        request.signal.throwIfAborted();
        if (!(error instanceof NetworkError) || !error.transient || nextDelayMs(policy, attempt) === undefined)
          throw error;
      }
      await pause(nextDelayMs(policy, attempt, retryAfter) as number, request);
    }
  }
  /** Sends with the header that is known, and once more with a better one after a 401; twice where the better one was no longer good. */
  async #authorized(request: ApiRequest): Promise<HttpResponse> {
    const { endpoint, scopes } = request;
    const known = await this.authorizer.header(endpoint, scopes, request);
    const first = await this.#fromFirstOrigin(request, known);
    const second = await this.#afterRefusal(request, first, known);
    if (second.header === undefined || !this.authorizer.mayBeStale(second.header, endpoint, scopes))
      return second.response;
    return (await this.#afterRefusal(request, second.response, second.header)).response;
  }
  /** @returns `refused` itself when it is no refusal, or when there is nothing better to try */
  async #afterRefusal(
    request: ApiRequest,
    refused: HttpResponse,
    sent: string | undefined,
  ): Promise<{ readonly response: HttpResponse; readonly header?: string }> {
    const { endpoint, scopes } = request;
    const here = new URL(refused.url).host === new URL(this.#urlOf(request)).host;
    if (refused.status !== 401 || !here) return { response: refused };
    const header = await this.authorizer.headerAfter(refused, endpoint, scopes, sent, request);
    if (header === undefined) return { response: refused };
    await refused.drop();
    return { response: await this.#fromFirstOrigin(request, header), header };
  }
  /** Where HTTP may stand in for HTTPS, finds out once which of the two the host speaks. */
  async #fromFirstOrigin(request: ApiRequest, authorization: string | undefined): Promise<HttpResponse> {
    const { endpoint } = request;
    const tried = this.#origin(endpoint);
    try {
      return await this.#redirected(request, authorization);
    } catch (error) {
      const fallback = endpoint.origins[1];
      // Not "is the fallback known by now": another request may have found it while this one was under way.
      if (!(error instanceof NetworkError && error.notTls) || fallback === undefined || tried === fallback) throw error;
      this.#origins.set(endpoint.host, fallback);
      return await this.#redirected(request, authorization);
    }
  }
  async #redirected(request: ApiRequest, authorization: string | undefined): Promise<HttpResponse> {
    const { endpoint, method, signal, headers = {} } = request;
    const home = new URL(this.#origin(endpoint));
    let url = this.#urlOf(request);
    for (let hop = 0; hop <= redirectLimit; hop++) {
      const body = request.body?.();
      // Logins are for this registry only: storage that it redirects to signs its own URLs.
      const trusted = new URL(url).host === home.host && new URL(url).protocol === home.protocol;
      const response = await this.#transport.send({
        method,
        url,
        headers: {
          "user-agent": userAgent,
          ...headers,
          ...(trusted && authorization !== undefined ? { authorization } : {}),
        },
        ...(body === undefined ? {} : { body }),
        registry: endpoint.name,
        config: endpoint.config,
        signal,
      });
      const location = response.header("location");
      // What is sent goes where the same request is asked for again; the other statuses would make a GET of it.
      const redirects = method === "GET" || method === "HEAD" ? [301, 302, 303, 307, 308] : [307, 308];
      if (!redirects.includes(response.status) || location === undefined) return response;
      await response.drop();
      url = resolveLocation(location, url, endpoint.name);
    }
    throw new BuildError(
      "unavailable",
      `registry "${endpoint.name}" redirects in circles: stopped after ${redirectLimit} redirects from ${this.#urlOf(request)}`,
    );
  }
  #urlOf({ endpoint, path }: ApiRequest): string {
    return /^https?:\/\//.test(path) ? path : this.#origin(endpoint) + endpoint.prefix + path;
  }
  #origin(endpoint: Endpoint): string {
    return this.#origins.get(endpoint.host) ?? endpoint.origins[0];
  }
}
