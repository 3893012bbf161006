import { BuildError, messageOf } from "../../../../base/errors/mod.ts";
import { parseGitUrl } from "../../../../base/text/git-url/mod.ts";
import type { GitOptions } from "../../../../llb/mod.ts";

/**
 * A context that is a Git repository; `undefined` when the text names none.
 * @throws {BuildError} for a repository whose query contradicts itself
 */
export function repositoryOf(text: string, { keepGitDir }: { readonly keepGitDir: boolean }): GitOptions | undefined {
  try {
    const url = parseGitUrl(text);
    if (!url) return undefined;
    const remote = url.likeLocalPath ? `https://${url.remote}` : url.remote;
    return { ...url, remote, keepGitDir: url.keepGitDir ?? keepGitDir, skipSubmodules: url.submodules === false };
  } catch (cause) {
    throw new BuildError("invalid_argument", `failed to parse git context ${text}: ${messageOf(cause)}`, { cause });
  }
}
