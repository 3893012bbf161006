import { type GitUrl, parseGitUrl } from "../../../../base/text/git-url/mod.ts";

/** Where a source of COPY or ADD is. */
export type SourcePlace =
  | { readonly type: "path" }
  | { readonly type: "http"; readonly filename: string }
  | { readonly type: "git"; readonly url: GitUrl };

/**
 * Tells repositories (`git://…`, `git@host:…`, `ssh://…`, `https://….git[#…]`), files to be fetched, and paths.
 * @throws {Error} for a repository whose query contradicts itself
 */
export function placeOf(source: string): SourcePlace {
  const url = parseGitUrl(source);
  if (url && !url.likeLocalPath) return { type: "git", url };
  return /^https?:\/\//.test(source) ? { type: "http", filename: filenameOf(source) } : { type: "path" };
}

/** The last part of an address, by which a fetched file is known. */
function filenameOf(address: string): string {
  try {
    const name = decodeURIComponent(new URL(address).pathname)
      .split("/")
      .findLast((part) => part !== "");
    return name || "__unnamed__";
  } catch {
    return "__unnamed__";
  }
}
