import { type GitUrl, parseGitUrl } from "../../../../base/text/git-url/mod.ts";
import { goQuote } from "../../../../base/text/go-values/mod.ts";
import { git, http, type State } from "../../../../llb/mod.ts";
import { type Digest, isDigest } from "../../../../oci/mod.ts";

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

/** What an ADD says of its source besides its place. */
export interface RemoteWishes {
  /** Digest of a file, or a commit; empty: any will do. */
  readonly checksum: string;
  readonly keepGitDir: boolean | undefined;
  /** Of the step. */
  readonly name: string;
}

/** The source of an ADD that is not in the context. @throws {Error} for a checksum that is none, or flags that contradict the address */
export function remoteState(path: string, place: Exclude<SourcePlace, { type: "path" }>, wishes: RemoteWishes): State {
  if (place.type === "git") return repository(place.url, wishes);
  const { checksum, name } = wishes;
  return http(
    path,
    { filename: place.filename, checksum: checksum === "" ? undefined : parseChecksum(checksum) },
    { name },
  );
}

/** @throws {Error} with Go's words */
function parseChecksum(text: string): Digest {
  const at = text.indexOf(":");
  if (at <= 0 || at + 1 === text.length) throw new Error("invalid checksum digest format");
  const length = { sha256: 64, sha384: 96, sha512: 128 }[text.slice(0, at)];
  if (length === undefined) {
    const wellFormed = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/.test(text);
    throw new Error(wellFormed ? "unsupported digest algorithm" : "invalid checksum digest format");
  }
  if (text.length - at - 1 !== length) throw new Error("invalid checksum digest length");
  if (!isDigest(text)) throw new Error("invalid checksum digest format");
  return text;
}

/** What the flags say, and what the address says, must agree. */
function repository(url: GitUrl, wanted: RemoteWishes): State {
  if (wanted.keepGitDir !== undefined && url.keepGitDir !== undefined && wanted.keepGitDir !== url.keepGitDir) {
    throw new Error("inconsistent keep-git-dir configuration");
  }
  if (wanted.checksum !== "" && url.checksum !== undefined && wanted.checksum !== url.checksum) {
    throw new Error(`checksum mismatch ${goQuote(wanted.checksum)} != ${goQuote(url.checksum)}`);
  }
  return git(
    {
      ...url,
      keepGitDir: url.keepGitDir ?? wanted.keepGitDir ?? false,
      checksum: url.checksum ?? wanted.checksum,
      skipSubmodules: url.submodules === false,
    },
    { name: wanted.name },
  );
}
