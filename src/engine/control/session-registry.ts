import { auth } from "../../api/mod.ts";
import { BuildError, isAbort } from "../../base/errors/mod.ts";
import {
  type Credentials,
  type HostConfig,
  openRegistry,
  type Registry,
  type RegistryLanes,
  type TokenFetcher,
} from "../../registry/mod.ts";
import type { SessionManager } from "../../session/mod.ts";

/**
 * Registries as the client of one build sees them: its logins are asked for over its session when a registry wants one, and tokens are
 * fetched by the client itself where it can, so that passwords stay with it.
 */
export function openSessionRegistry(options: {
  readonly sessions: SessionManager;
  readonly sessionId: string;
  /** How to reach a host, as this engine's configuration says. */
  readonly hosts: (host: string) => HostConfig;
  /** How many requests a registry gets at once, of all builds together. */
  readonly lanes: RegistryLanes;
}): Registry {
  const { sessions, sessionId, hosts, lanes } = options;
  const client = async (signal: AbortSignal) => {
    if (sessionId === "") return undefined;
    const caller = await sessions.get(sessionId, { signal, timeoutMs: 5000 });
    return caller.client(auth.Auth);
  };
  const credentials: Credentials = {
    for: async (host, { signal }) => {
      const reply = await optional(async () => await (await client(signal))?.credentials({ Host: host }, { signal }));
      if (!reply || (reply.Username === "" && reply.Secret === "")) return undefined;
      // An empty user name means that the secret is an identity token.
      return reply.Username === ""
        ? { identityToken: reply.Secret }
        : { username: reply.Username, password: reply.Secret };
    },
  };
  const fetchToken: TokenFetcher = async (request, { signal }) => {
    const reply = await optional(
      async () =>
        await (await client(signal))?.fetchToken(
          {
            ClientID: "buildkit-client",
            Host: request.host,
            Realm: request.realm,
            Service: request.service,
            Scopes: [...request.scopes],
          },
          { signal },
        ),
    );
    if (!reply || reply.Token === "") return undefined;
    return {
      token: reply.Token,
      expiresInSeconds: Number(reply.ExpiresIn),
      ...(reply.IssuedAt > 0n ? { issuedAt: new Date(Number(reply.IssuedAt) * 1000) } : {}),
    };
  };
  return openRegistry({ credentials, fetchToken, hosts, lanes });
}

/** A client need not offer logins, nor fetch tokens. */
async function optional<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isAbort(error)) throw error;
    if (error instanceof BuildError && (error.code === "unimplemented" || error.code === "unavailable"))
      return undefined;
    throw error;
  }
}
