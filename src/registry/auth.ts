/** How to log in to a registry. */
export type Login =
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string }
  | { readonly registryToken: string };

/** Looks up logins; knows of sessions or config files what we do not. */
export interface Credentials {
  /**
   * @param host as in a reference, `registry-1.docker.io` for Docker Hub
   * @returns `undefined` to go on anonymously
   */
  for(host: string, options: { signal: AbortSignal }): Promise<Login | undefined>;
}

/** Nobody is logged in anywhere. */
export const anonymous: Credentials = { for: () => Promise.resolve(undefined) };

/** A token that some registry's `WWW-Authenticate: Bearer` asks for. */
export interface TokenRequest {
  /** The registry, as in {@link Credentials.for}. */
  readonly host: string;
  /** URL of the token server. */
  readonly realm: string;
  readonly service: string;
  /** For instance `repository:library/alpine:pull`. */
  readonly scopes: readonly string[];
  /** A token that the registry has not taken. */
  readonly refused?: string;
}

/** What a token server gave. */
export interface RegistryToken {
  readonly token: string;
  /** For how long it is good, from `issuedAt` (or else from now). */
  readonly expiresInSeconds: number;
  readonly issuedAt?: Date;
  /** It was fetched earlier, for another client, and may not be good any more. */
  readonly isShared?: boolean;
}

/**
 * Gets a token from wherever the logins are, for instance by asking the client of a session, so that the password stays there.
 * @returns `undefined` when it cannot: then the registry client asks {@link Credentials} and fetches the token itself
 */
export type TokenFetcher = (
  request: TokenRequest,
  options: { signal: AbortSignal },
) => Promise<RegistryToken | undefined>;
