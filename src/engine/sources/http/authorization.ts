import { BuildError } from "../../../base/errors/mod.ts";
import type { SourceEnvironment } from "../environment.ts";

/**
 * What the client of the build has for a server: a whole header, or a token.
 * @param named the secret to take; empty: `HTTP_AUTH_HEADER_<host>` or `HTTP_AUTH_TOKEN_<host>`, where there is one
 * @throws {BuildError} `not_found` when the secret that is named is not there
 */
export async function authorizationFor(
  { hostname }: URL,
  named: string,
  { secret }: SourceEnvironment,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!secret) return undefined;
  const read = async (id: string) => {
    const data = await secret(id, { signal });
    return data && new TextDecoder().decode(data).trim();
  };
  if (named !== "") {
    const header = await read(named);
    if (header === undefined) {
      throw new BuildError("not_found", `failed to retrieve HTTP auth secret ${named}: secret ${named}: not found`);
    }
    return header;
  }
  const token = await read(`HTTP_AUTH_TOKEN_${hostname}`);
  if (token !== undefined) return `Bearer ${token}`;
  return await read(`HTTP_AUTH_HEADER_${hostname}`);
}
