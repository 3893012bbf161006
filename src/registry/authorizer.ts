import { SingleFlight } from "../base/async/mod.ts";
import type { Credentials, Login, RegistryToken, TokenFetcher } from "./auth.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Endpoint, HostLookup } from "./endpoint.ts";
import type { RetryPolicy } from "./retry.ts";
import { mergeScopes } from "./scopes.ts";
import { basicHeader, fetchToken } from "./token.ts";
import type { HttpResponse, Transport } from "./transport.ts";

/** How a host wants to be talked to, learnt from its first 401. */
type Scheme =
  | { readonly type: "basic"; readonly header: string }
  | { readonly type: "bearer"; readonly realm: string; readonly service: string };

const bearerPrefix = "Bearer ";

interface CachedToken {
  readonly header: string;
  readonly goodUntil: number;
  readonly isShared: boolean;
}

/**
 * Knows the `Authorization` header for each host and set of scopes. The first request goes without; from the 401 it learns the scheme,
 * and from then on headers are ready before a request is sent. Tokens are fetched once per set of scopes, however many ask.
 */
export class Authorizer {
  readonly #credentials: Credentials;
  readonly #fetch: TokenFetcher | undefined;
  readonly #transport: Transport;
  readonly #hosts: HostLookup;
  readonly #policy: RetryPolicy;
  readonly #schemes = new Map<string, Scheme>();
  readonly #tokens = new Map<string, CachedToken>();
  readonly #fetching = new SingleFlight<string, string>();
  constructor(options: {
    credentials: Credentials;
    fetchToken: TokenFetcher | undefined;
    transport: Transport;
    hosts: HostLookup;
    policy: RetryPolicy;
  }) {
    this.#credentials = options.credentials;
    this.#fetch = options.fetchToken;
    this.#transport = options.transport;
    this.#hosts = options.hosts;
    this.#policy = options.policy;
  }
  /** The header to send at once; `undefined` while nothing is known of the host. */
  async header(
    endpoint: Endpoint,
    scopes: readonly string[],
    options: { signal: AbortSignal },
  ): Promise<string | undefined> {
    const scheme = this.#schemes.get(endpoint.host);
    if (!scheme) return undefined;
    if (scheme.type === "basic") return scheme.header;
    return await this.#token(endpoint, scheme, mergeScopes(...scopes), [], options);
  }
  /**
   * The header to try after a 401.
   * @param sent the header that was refused
   * @returns `undefined` when there is nothing better to try
   */
  async headerAfter(
    response: HttpResponse,
    endpoint: Endpoint,
    scopes: readonly string[],
    sent: string | undefined,
    options: { signal: AbortSignal },
  ): Promise<string | undefined> {
    const challenges = parseChallenges(response.headers("www-authenticate"));
    const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.realm);
    if (bearer) return await this.#bearerAfter(bearer, endpoint, mergeScopes(...scopes), sent, options);
    if (!challenges.some(({ scheme }) => scheme === "basic")) return undefined;
    const login = await this.#credentials.for(endpoint.host, options);
    if (!login || !("username" in login)) return undefined;
    const header = basicHeader(login);
    if (header === sent) return undefined;
    this.#schemes.set(endpoint.host, { type: "basic", header });
    return header;
  }
  /** Whether a header that was refused may only have been too old: then there may yet be a better one. */
  mayBeStale(header: string, endpoint: Endpoint, scopes: readonly string[]): boolean {
    const cached = this.#tokens.get(keyOf(endpoint, mergeScopes(...scopes)));
    return cached?.header === header && cached.isShared;
  }
  /** Whether somebody is logged in there, for messages. */
  async login(endpoint: Endpoint, options: { signal: AbortSignal }): Promise<Login | undefined> {
    return await this.#credentials.for(endpoint.host, options).catch(() => undefined);
  }
  async #bearerAfter(
    challenge: Challenge,
    endpoint: Endpoint,
    scopes: readonly string[],
    sent: string | undefined,
    options: { signal: AbortSignal },
  ): Promise<string> {
    const { realm = "", service = "", scope = "" } = challenge.parameters;
    const scheme: Scheme = { type: "bearer", realm, service };
    this.#schemes.set(endpoint.host, scheme);
    const key = keyOf(endpoint, scopes);
    if (sent !== undefined && this.#tokens.get(key)?.header === sent) this.#tokens.delete(key);
    const refused = sent?.startsWith(bearerPrefix) ? sent.slice(bearerPrefix.length) : undefined;
    return await this.#token(endpoint, scheme, scopes, [scope], { ...options, refused });
  }
  async #token(
    endpoint: Endpoint,
    scheme: Scheme & { type: "bearer" },
    scopes: readonly string[],
    extraScopes: readonly string[],
    options: { signal: AbortSignal; refused?: string | undefined },
  ): Promise<string> {
    const key = keyOf(endpoint, scopes);
    const cached = this.#tokens.get(key);
    if (cached && cached.goodUntil > Date.now()) return cached.header;
    return await this.#fetching.run(
      key,
      async (signal) => {
        const request = {
          host: endpoint.host,
          realm: scheme.realm,
          service: scheme.service,
          scopes: mergeScopes(...scopes, ...extraScopes),
          ...(options.refused === undefined ? {} : { refused: options.refused }),
        };
        const token =
          (await this.#fetch?.(request, { signal })) ??
          (await fetchToken(request, await this.#credentials.for(endpoint.host, { signal }), {
            transport: this.#transport,
            hosts: this.#hosts,
            policy: this.#policy,
            signal,
          }));
        const header = `${bearerPrefix}${token.token}`;
        this.#tokens.set(key, { header, goodUntil: goodUntil(token), isShared: token.isShared ?? false });
        return header;
      },
      options,
    );
  }
}

/** A token is renewed a little before it ends, since requests take time to arrive. */
function goodUntil({ expiresInSeconds, issuedAt }: RegistryToken): number {
  const now = Date.now();
  // A server whose clock is ahead must not make a token last longer than it says.
  const from = Math.min(issuedAt?.getTime() ?? now, now);
  return from + expiresInSeconds * 1000 - Math.min(10_000, expiresInSeconds * 100);
}

function keyOf(endpoint: Endpoint, scopes: readonly string[]): string {
  return [endpoint.host, ...scopes].join(" ");
}
