import { randomBytes } from "node:crypto";
import { auth } from "../../api/mod.ts";
import { BuildError, isAbort } from "../../base/errors/mod.ts";
import {
  type Credentials,
  type HostConfig,
  openRegistry,
  type Registry,
  type RegistryLanes,
  type RegistryToken,
  type SharedTokens,
  type TokenFetcher,
  type TokenRequest,
} from "../../registry/mod.ts";
import { proveTokenAuthority, type SessionCaller, type SessionManager } from "../../session/mod.ts";

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
  /** What was fetched for other builds, of the same user. */
  readonly tokens: SharedTokens;
}): Registry {
  const { sessions, sessionId, hosts, lanes, tokens } = options;
  const session = async (signal: AbortSignal) =>
    sessionId === "" ? undefined : await sessions.get(sessionId, { signal, timeoutMs: 5000 });
  const client = async (signal: AbortSignal) => (await session(signal))?.client(auth.Auth);
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
  const fetchFromClient = async (request: TokenRequest, signal: AbortSignal): Promise<RegistryToken | undefined> => {
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
  const owners = new Map<string, Owner>();
  const ownerFor = async (host: string, signal: AbortSignal): Promise<Owner> => {
    const known = owners.get(host);
    if (known) return known;
    const caller = await session(signal);
    const owner = caller ? await ownerOf(caller, host, signal) : "unknown";
    owners.set(host, owner);
    return owner;
  };
  const fetchToken: TokenFetcher = async (request, { signal }) => {
    const owner = await ownerFor(request.host, signal);
    if (owner === "fetches none") return undefined;
    const fetch = () => fetchFromClient(request, signal);
    return owner === "unknown" ? await fetch() : await tokens.token(owner.key, request, fetch);
  };
  return openRegistry({ credentials, fetchToken, hosts, lanes });
}

/** Whose a client's tokens are, by a key that it has proved to be its own; some cannot tell, and some are not to fetch any. */
type Owner = { readonly key: string } | "unknown" | "fetches none";

async function ownerOf(caller: SessionCaller, host: string, signal: AbortSignal): Promise<Owner> {
  try {
    const key = await proveTokenAuthority(caller, host, { salt, signal });
    return key === undefined ? "unknown" : { key };
  } catch (error) {
    if (isAbort(error) || !(error instanceof BuildError)) throw error;
    if (error.code === "unimplemented" || error.code === "unauthenticated") return "unknown";
    if (error.code === "unavailable") return "fetches none";
    throw error;
  }
}

/** Clients' keys are good for this run of the engine alone. */
const salt = randomBytes(32);

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
