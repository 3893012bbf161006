import { BuildError } from "../../../../base/errors/mod.ts";

/** A part of a repository's cache, mostly a branch, and what may be done with it. */
export interface TokenScope {
  readonly scope: string;
  readonly canWrite: boolean;
}

/** The bit of a permission that lets write. */
const writePermission = 2;

/**
 * What a job's token allows. Whether it is genuine is the service's business.
 * @throws {BuildError} `unauthenticated` when it is none, or no longer valid
 */
export function tokenScopes(token: string, now: Date): readonly TokenScope[] {
  const claims = claimsOf(token);
  const { ac, exp, nbf } = claims;
  if (typeof ac !== "string") throw invalid("invalid token without access controls");
  if (typeof exp !== "number" || typeof nbf !== "number") throw invalid("invalid token without expiration time");
  if (now.getTime() > exp * 1000) throw invalid(`cache token expired at ${new Date(exp * 1000).toISOString()}`);
  if (now.getTime() < nbf * 1000) {
    throw invalid(`invalid token with future issue time ${new Date(nbf * 1000).toISOString()}`);
  }
  const scopes = parse(ac, "failed to parse token access controls");
  if (!Array.isArray(scopes)) throw invalid("failed to parse token access controls: no list");
  return scopes.flatMap((entry: { Scope?: unknown; Permission?: unknown } | null): TokenScope[] => {
    if (typeof entry?.Scope !== "string" || typeof entry.Permission !== "number") return [];
    return [{ scope: entry.Scope, canWrite: (entry.Permission & writePermission) !== 0 }];
  });
}

/** The claims of a JSON web token. */
function claimsOf(token: string): Readonly<Record<string, unknown>> {
  const parts = token.split(".");
  if (parts.length !== 3) throw invalid("token contains an invalid number of segments");
  const claims = parse(Buffer.from(parts[1] ?? "", "base64url").toString(), "token is malformed");
  if (typeof claims !== "object" || claims === null) throw invalid("invalid token without claims map");
  return claims as Record<string, unknown>;
}

function parse(json: string, failure: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    throw new BuildError("unauthenticated", failure, { cause });
  }
}

function invalid(message: string): BuildError {
  return new BuildError("unauthenticated", message);
}
