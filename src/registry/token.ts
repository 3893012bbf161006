import { BuildError } from "../base/errors/mod.ts";
import { collectBytes } from "../oci/mod.ts";
import type { Credentials, Login, RegistryToken, TokenFetcher, TokenRequest } from "./auth.ts";
import { type HostLookup, isLoopback } from "./endpoint.ts";
import { redirectLimit, resolveLocation } from "./location.ts";
import { NetworkError } from "./network-error.ts";
import { loginHint, statusLine } from "./response-error.ts";
import { defaultRetryPolicy, isTransientStatus, nextDelayMs, pause, type RetryPolicy } from "./retry.ts";
import { type HttpResponse, Transport } from "./transport.ts";

const clientId = "polyarch";
/** What the protocol says to assume when a server says nothing. */
const defaultLifetimeSeconds = 60;

/**
 * Fetches tokens with logins that are at hand here: for the end of a session that has the logins and answers for the other end.
 * Anonymous where there is no login.
 */
export function tokenFetcher(options: {
  credentials: Credentials;
  env: Readonly<Record<string, string | undefined>>;
  hosts?: HostLookup;
}): TokenFetcher & AsyncDisposable {
  const transport = new Transport(options.env);
  const fetch: TokenFetcher = async (request, { signal }) => {
    const login = await options.credentials.for(request.host, { signal });
    return await fetchToken(request, login, { transport, hosts: options.hosts ?? (() => ({})), signal });
  };
  return Object.assign(fetch, { [Symbol.asyncDispose]: () => transport.close() });
}

/**
 * Asks a token server: by OAuth2 POST with a login, falling back to GET with basic authentication for servers that do not know POST;
 * by GET without one.
 * @throws {BuildError} `unauthenticated` when the server refuses
 * @see https://distribution.github.io/distribution/spec/auth/oauth/ and …/auth/token/
 */
export async function fetchToken(
  request: TokenRequest,
  login: Login | undefined,
  options: TokenOptions,
): Promise<RegistryToken> {
  if (login && "registryToken" in login) return { token: login.registryToken, expiresInSeconds: 3600 };
  const realm = parseRealm(request);
  const server = { realm, request, ...options };
  if (!login) return await readToken(await get(server, undefined), request, "anonymous");
  refuseOpenSending(server);
  const response = await post(server, login);
  // Servers without OAuth2 say 404 or 405 (some 400, 401 or 403), and know basic authentication.
  if (response.status >= 400 && response.status < 500 && response.status !== 429 && "username" in login) {
    await response.drop();
    return await readToken(await get(server, login), request, "oauth");
  }
  return await readToken(response, request, "oauth");
}

/**
 * Asks a token server as `docker login` does: by GET with basic authentication, and for a refresh token to keep in place of the password.
 * @throws {BuildError} `unauthenticated` when the server refuses
 */
export async function fetchOfflineToken(
  request: TokenRequest,
  login: { readonly username: string; readonly password: string },
  options: TokenOptions,
): Promise<RegistryToken & { readonly refreshToken?: string }> {
  const server = { realm: parseRealm(request), request, ...options };
  refuseOpenSending(server);
  const response = await get(server, login, { offline_token: "true", client_id: clientId });
  return await readToken(response, request, "oauth");
}

/** A login goes unencrypted only to this machine, or where the user has said so. */
function refuseOpenSending({ realm, request, hosts }: TokenServer): void {
  const config = hosts(request.host);
  if (realm.protocol !== "http:" || isLoopback(realm.hostname) || config.plainHttp || config.insecure) return;
  throw new BuildError(
    "permission_denied",
    `failed to authorize: registry "${request.host}" wants the login sent to ${realm.origin} unencrypted: refused; set "http = true" for that registry to allow it`,
  );
}

/** What asking a token server takes. */
interface TokenOptions {
  readonly transport: Transport;
  readonly hosts: HostLookup;
  /** For answers that may be others a moment later; {@link defaultRetryPolicy} when left out. */
  readonly policy?: RetryPolicy;
  readonly signal: AbortSignal;
}

interface TokenServer extends TokenOptions {
  readonly realm: URL;
  readonly request: TokenRequest;
}

function parseRealm({ realm, host }: TokenRequest): URL {
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url && (url.protocol === "https:" || url.protocol === "http:")) return url;
  throw new BuildError(
    "invalid_argument",
    `failed to authorize: registry "${host}" names no usable token server: realm ${JSON.stringify(realm)}`,
  );
}

async function post(
  server: TokenServer,
  login: Exclude<Login, { readonly registryToken: string }>,
): Promise<HttpResponse> {
  const { service, scopes } = server.request;
  const grant: Record<string, string> =
    "identityToken" in login
      ? { grant_type: "refresh_token", refresh_token: login.identityToken }
      : { grant_type: "password", username: login.username, password: login.password };
  const form = new URLSearchParams({ ...grant, client_id: clientId, service, scope: scopes.join(" ") });
  return await send(
    server,
    "POST",
    server.realm,
    { "content-type": "application/x-www-form-urlencoded" },
    new TextEncoder().encode(form.toString()),
  );
}

async function get(
  server: TokenServer,
  login: { username: string; password: string } | undefined,
  more: Readonly<Record<string, string>> = {},
): Promise<HttpResponse> {
  const url = new URL(server.realm);
  for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value);
  if (server.request.service !== "") url.searchParams.set("service", server.request.service);
  for (const scope of server.request.scopes) url.searchParams.append("scope", scope);
  if (login) url.searchParams.set("account", login.username);
  return await send(server, "GET", url, login ? { authorization: basicHeader(login) } : {});
}

async function send(
  server: TokenServer,
  method: "GET" | "POST",
  url: URL,
  headers: Record<string, string>,
  body?: Uint8Array,
): Promise<HttpResponse> {
  const { policy = defaultRetryPolicy, signal } = server;
  for (let attempt = 1; ; attempt++) {
    let delayMs: number | undefined;
    try {
      const response = await redirected(server, method, url, headers, body);
      delayMs = isTransientStatus(response.status)
        ? nextDelayMs(policy, attempt, response.header("retry-after"))
        : undefined;
      if (delayMs === undefined) return response;
      await response.drop();
    } catch (error) {
      if (!(error instanceof NetworkError) || !error.transient) throw error;
      delayMs = nextDelayMs(policy, attempt);
      // Whoever wants the token need not try as often again.
      if (delayMs === undefined) throw new NetworkError(error.message, { cause: error, transient: false });
    }
    await pause(delayMs, { signal });
  }
}

/** Follows redirects of a GET; a login goes no further than the server that the registry has named. */
async function redirected(
  { transport, hosts, signal, request, realm }: TokenServer,
  method: "GET" | "POST",
  to: URL,
  { authorization, ...headers }: Record<string, string>,
  body: Uint8Array | undefined,
): Promise<HttpResponse> {
  let url = to;
  for (let hop = 0; ; hop++) {
    const response = await transport.send({
      method,
      url: url.href,
      headers: {
        "user-agent": clientId,
        ...headers,
        ...(authorization !== undefined && url.origin === realm.origin ? { authorization } : {}),
      },
      ...(body ? { body } : {}),
      registry: request.host,
      config: hosts(url.host),
      signal,
    });
    const location = response.header("location");
    const isRedirect = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined;
    if (!isRedirect || method !== "GET" || hop === redirectLimit) return response;
    await response.drop();
    url = new URL(resolveLocation(location, url.href, request.host));
  }
}

/** The header of basic authentication. */
export function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

async function readToken(
  response: HttpResponse,
  request: TokenRequest,
  kind: "oauth" | "anonymous",
): Promise<RegistryToken & { readonly refreshToken?: string }> {
  const what = `failed to authorize: failed to fetch ${kind} token`;
  if (response.status !== 200) {
    const code =
      response.status >= 500 ? "unavailable" : response.status === 429 ? "resource_exhausted" : "unauthenticated";
    const hint = code === "unauthenticated" ? `: ${loginHint(request.host, kind === "oauth")}` : "";
    throw new BuildError(code, `${what}: ${await statusLine(response)}${hint}`);
  }
  const wrong = (why: string) => new BuildError("unauthenticated", `${what}: ${request.realm} answered ${why}`);
  const bytes = await collectBytes(response.body, { limitBytes: 1024 * 1024 });
  let answer: Record<string, unknown>;
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes)) as typeof answer;
  } catch {
    throw wrong("something that is not JSON"); // not shown: it may hold a token
  }
  const { token, access_token: accessToken, refresh_token: refreshToken } = answer;
  const { expires_in: expiresIn, issued_at: issuedAt } = answer;
  const text = typeof accessToken === "string" && accessToken !== "" ? accessToken : token;
  if (typeof text !== "string" || text === "" || /[^\x21-\x7e]/.test(text)) throw wrong("without a token");
  const issued = typeof issuedAt === "string" ? Date.parse(issuedAt) : Number.NaN;
  return {
    token: text,
    expiresInSeconds: typeof expiresIn === "number" && expiresIn > 0 ? expiresIn : defaultLifetimeSeconds,
    ...(Number.isNaN(issued) ? {} : { issuedAt: new Date(issued) }),
    ...(typeof refreshToken === "string" && refreshToken !== "" ? { refreshToken } : {}),
  };
}
