import { BuildError } from "../base/errors/mod.ts";
import type { TokenFetcher } from "./auth.ts";
import { Authorizer } from "./authorizer.ts";
import { type HostLookup, originEndpoint } from "./endpoint.ts";
import { RegistryHttp } from "./http.ts";
import { isWebPage, statusLine, webPageError } from "./response-error.ts";
import { defaultRetryPolicy } from "./retry.ts";
import { fetchOfflineToken } from "./token.ts";
import { Transport } from "./transport.ts";

/**
 * Tries a login at a registry, basic or through its token server.
 * @param host as in references; `docker.io` for Docker Hub
 * @returns the identity token to keep in place of the password, where the token server gives one
 * @throws {BuildError} `unauthenticated` when the registry does not take it
 */
export async function logIn(
  host: string,
  login: { readonly username: string; readonly password: string },
  options: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly hosts?: HostLookup;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly identityToken?: string }> {
  const { env, signal, hosts = () => ({}) } = options;
  const transport = new Transport(env);
  let identityToken: string | undefined;
  const fetchToken: TokenFetcher = async (request, { signal }) => {
    const token = await fetchOfflineToken(request, login, { transport, hosts, signal });
    identityToken = token.refreshToken;
    return token;
  };
  try {
    const credentials = { for: () => Promise.resolve(login) };
    const authorizer = new Authorizer({ credentials, fetchToken, transport, hosts, policy: defaultRetryPolicy });
    const http = new RegistryHttp({ transport, authorizer, policy: defaultRetryPolicy });
    const endpoint = originEndpoint(host, hosts);
    await using response = await http.send({
      endpoint,
      method: "GET",
      path: "",
      scopes: [],
      lane: "document",
      signal,
    });
    if (isWebPage(response)) {
      await response.drop();
      throw webPageError(response, endpoint.name);
    }
    if (response.status !== 200) {
      const { url, status, statusText } = response;
      const code = status === 401 || status === 403 ? "unauthenticated" : "unavailable";
      const said = `${status} ${statusText}`.trim();
      const line = await statusLine(response);
      const more = line.slice(line.indexOf(said) + said.length);
      throw new BuildError(code, `login attempt to ${url} failed with status: ${said}${more}`);
    }
    return identityToken === undefined ? {} : { identityToken };
  } finally {
    await transport.close();
  }
}
