import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { parseGitUrl } from "../../base/text/git-url/mod.ts";

/** A context that the engine fetches itself. */
export interface RemoteContext {
  /** Says what it wants in a query, which older frontends do not understand. */
  readonly hasGitQuery: boolean;
}

/**
 * Whether a context is a Git repository or something at an address, by its text alone.
 * @throws {BuildError} `invalid_argument` for a repository whose query contradicts itself
 */
export function remoteContext(text: string): RemoteContext | undefined {
  const git = gitUrl(text);
  if (git) return { hasGitQuery: /^[^#]*\?/.test(text) };
  return isHttpAddress(text) ? { hasGitQuery: false } : undefined;
}

/** `http://…` or `https://…` */
export function isHttpAddress(text: string): boolean {
  return /^https?:\/\//.test(text);
}

function gitUrl(text: string): ReturnType<typeof parseGitUrl> {
  try {
    return parseGitUrl(text);
  } catch (cause) {
    throw new BuildError("invalid_argument", `invalid git context ${JSON.stringify(text)}: ${messageOf(cause)}`, {
      cause,
    });
  }
}
