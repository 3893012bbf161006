import type { KeyObject } from "node:crypto";
import { auth } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { service } from "../../rpc/mod.ts";
import { publicKeyOf, signed, tokenAuthority } from "../token-authority.ts";
import type { Attachable } from "./attachable.ts";

/** How to log in to a registry, as the credential store knows it. */
export type SessionLogin =
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string }
  | { readonly registryToken: string };

/** Looks up logins by host; Docker Hub is `registry-1.docker.io`. */
export interface SessionCredentials {
  for(host: string, options: { signal: AbortSignal }): Promise<SessionLogin | undefined>;
}

/** Gets a token from a token server, so that the password stays with this client; `undefined` when it cannot. */
export type SessionTokenFetcher = (
  request: {
    readonly host: string;
    readonly realm: string;
    readonly service: string;
    readonly scopes: readonly string[];
  },
  options: { signal: AbortSignal },
) => Promise<
  { readonly token: string; readonly expiresInSeconds: number; readonly issuedAt?: Date | undefined } | undefined
>;

/** Random bytes that this user keeps for each registry, by its host. */
export interface SessionTokenSeeds {
  for(host: string): Promise<Uint8Array>;
}

/**
 * Offers this user's registry logins to the engine. Without `fetchToken` the engine fetches tokens itself, with the logins it is given; with
 * `seeds` it may use tokens that it has for other builds of the same user.
 */
export function authProvider(options: {
  readonly credentials: SessionCredentials;
  readonly fetchToken?: SessionTokenFetcher | undefined;
  readonly seeds?: SessionTokenSeeds | undefined;
}): Attachable {
  const { credentials, fetchToken, seeds } = options;
  return {
    routes: service(auth.Auth, {
      credentials: async ({ Host }, { signal }) => {
        const login = await credentials.for(Host, { signal });
        if (!login) return {};
        if ("identityToken" in login) return { Secret: login.identityToken };
        // A registry token stands in for the token that the engine would fetch, see fetchToken; it is no password.
        return "registryToken" in login ? {} : { Username: login.username, Secret: login.password };
      },
      ...(fetchToken && {
        fetchToken: async ({ Host, Realm, Service, Scopes }, { signal }) => {
          const login = await credentials.for(Host, { signal });
          if (login && "registryToken" in login) return { Token: login.registryToken };
          const fetched = await fetchToken({ host: Host, realm: Realm, service: Service, scopes: Scopes }, { signal });
          if (!fetched) throw new BuildError("unimplemented", `no token for ${Host}`);
          return {
            Token: fetched.token,
            ExpiresIn: BigInt(Math.round(fetched.expiresInSeconds)),
            IssuedAt: BigInt(Math.floor((fetched.issuedAt?.getTime() ?? 0) / 1000)),
          };
        },
      }),
      ...(fetchToken &&
        seeds && {
          getTokenAuthority: async ({ Host, Salt }, { signal }) => ({
            PublicKey: publicKeyOf(await authorityFor(Host, Salt, { credentials, seeds, signal })),
          }),
          verifyTokenAuthority: async ({ Host, Salt, Payload }, { signal }) => ({
            Signed: signed(await authorityFor(Host, Salt, { credentials, seeds, signal }), Payload),
          }),
        }),
    }),
  };
}

/** Whoever has anything to lose has a key of his own: engines may share tokens among those whose keys are the same. */
async function authorityFor(
  host: string,
  salt: Uint8Array,
  { credentials, seeds, signal }: AuthoritySources,
): Promise<KeyObject> {
  const login = await credentials.for(host, { signal });
  return tokenAuthority(salt, login ? await seeds.for(host) : undefined);
}

interface AuthoritySources {
  readonly credentials: SessionCredentials;
  readonly seeds: SessionTokenSeeds;
  readonly signal: AbortSignal;
}
