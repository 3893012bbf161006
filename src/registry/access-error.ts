import { BuildError } from "../base/errors/mod.ts";
import type { Reference } from "../oci/mod.ts";
import { parseChallenges } from "./challenge.ts";
import type { ApiRequest, ApiResponse, RegistryHttp } from "./http.ts";
import { isWebPage, loginHint, unexpectedStatus, webPageError } from "./response-error.ts";

/**
 * The error for an answer that an operation has no use for: refused logins in Docker's words with the remedy, web pages, and the rest
 * with the status and what the server said.
 */
export async function refusal(
  http: RegistryHttp,
  response: ApiResponse,
  request: Pick<ApiRequest, "endpoint" | "signal">,
  access: "pull" | "push",
  reference: Reference,
): Promise<BuildError> {
  const { endpoint } = request;
  if (response.status === 401 || response.status === 403) {
    const login = await http.authorizer.login(endpoint, request);
    const hint =
      login && response.status === 403
        ? denied(reference, access, login)
        : loginHint(endpoint.host, login !== undefined);
    const insufficient = parseChallenges(response.headers("www-authenticate")).some(
      ({ parameters }) => parameters.error === "insufficient_scope",
    );
    if (!insufficient) return await unexpectedStatus(response, hint);
    await response.drop();
    return new BuildError(
      "permission_denied",
      `${access} access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed: ${login ? denied(reference, access, login) : hint}`,
    );
  }
  if (response.status < 400 && isWebPage(response)) {
    await response.drop();
    return webPageError(response, endpoint.name);
  }
  return await unexpectedStatus(response, response.status === 429 ? rateHint(endpoint.host) : "");
}

function denied(reference: Reference, access: "pull" | "push", login: object): string {
  const who = "username" in login ? `user "${String(login.username)}"` : "the stored login";
  return `${who} may not ${access} ${access === "pull" ? "from" : "to"} "${reference.repository}" at ${reference.registry}, or it does not exist`;
}

function rateHint(host: string): string {
  return `too many requests: wait a while, or log in for a higher limit (${host === "registry-1.docker.io" ? "docker login" : `docker login ${host}`})`;
}
