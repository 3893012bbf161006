/** A Git repository as people write it in a Dockerfile or as a build context, and what to take of it. */
export interface GitUrl {
  readonly scheme: "http" | "https" | "ssh" | "git";
  /** With the port, without the user. */
  readonly host: string;
  /** Path on the host, as written. */
  readonly path: string;
  /** What a Git client is given: the text without query and fragment. */
  readonly remote: string;
  /** Branch, tag or commit; empty: the repository's own default. */
  readonly ref: string;
  /** Directory inside the repository; empty: the whole of it. */
  readonly subdir: string;
  /** Commit, or its start, that must be found. */
  readonly checksum: string | undefined;
  readonly keepGitDir: boolean | undefined;
  readonly submodules: boolean | undefined;
  readonly mtime: "checkout" | "commit" | undefined;
  /** Fetch `checksum` itself and do not ask what `ref` stands for. */
  readonly fetchByCommit: boolean;
  /** `github.com/…` without a scheme: might as well be a path. Means Git only where a build context is expected. */
  readonly likeLocalPath: boolean;
}

interface Parts {
  readonly scheme: GitUrl["scheme"];
  readonly host: string;
  readonly path: string;
  readonly remote: string;
  readonly query: string;
  readonly fragment: string;
  readonly likeLocalPath: boolean;
}

const schemes: ReadonlySet<string> = new Set(["http", "https", "ssh", "git"]);

/**
 * Reads `https://host/path.git[?query][#ref[:subdir]]`, `ssh://…`, `git://…`, `user@host:path` and `github.com/…`.
 * @returns `undefined` when the text names no Git repository
 * @throws {Error} with BuildKit's words when it does, but its query contradicts itself
 */
export function parseGitUrl(text: string): GitUrl | undefined {
  const parts = splitUrl(text);
  if (!parts) return undefined;
  if ((parts.scheme === "http" || parts.scheme === "https") && !parts.likeLocalPath && !parts.path.endsWith(".git")) {
    return undefined;
  }
  const { query, fragment, ...rest } = parts;
  const colon = fragment.indexOf(":");
  const fromFragment = {
    ref: colon < 0 ? fragment : fragment.slice(0, colon),
    subdir: colon < 0 ? "" : relativePath(fragment.slice(colon + 1)),
  };
  return { ...rest, ...readQuery(query, fromFragment) };
}

function splitUrl(text: string): Parts | undefined {
  if (text.startsWith("./") || text.startsWith("../")) return undefined;
  if (text.startsWith("github.com/")) {
    const url = splitUrl(`https://${text}`);
    return url && { ...url, remote: url.remote.slice("https://".length), likeLocalPath: true };
  }
  const url = /^([a-zA-Z0-9]+):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text);
  if (url) {
    const [, given = "", authority = "", path = "", query = "", fragment = ""] = url;
    const scheme = given.toLowerCase();
    if (!schemes.has(scheme)) return undefined;
    return {
      scheme: scheme as GitUrl["scheme"],
      host: authority.slice(authority.lastIndexOf("@") + 1),
      path: decode(path),
      remote: `${scheme}://${authority}${path}`,
      query,
      fragment: decode(fragment),
      likeLocalPath: false,
    };
  }
  const scp = /^([a-zA-Z0-9_-]+)@([a-zA-Z0-9.-]+):(.*?)(?:\?(.*?))?(?:#(.*))?$/s.exec(text);
  if (!scp) return undefined;
  const [, user = "", host = "", path = "", query = "", fragment = ""] = scp;
  return { scheme: "ssh", host, path, remote: `${user}@${host}:${path}`, query, fragment, likeLocalPath: false };
}

type Wanted = Pick<GitUrl, "ref" | "subdir" | "checksum" | "keepGitDir" | "submodules" | "mtime" | "fetchByCommit">;

const switches: ReadonlySet<string> = new Set(["submodules", "keep-git-dir", "fetch-by-commit"]);

function readQuery(query: string, { ref: givenRef, subdir: givenSubdir }: { ref: string; subdir: string }): Wanted {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (values.has(name)) throw new Error(`query ${JSON.stringify(name)} has multiple values`);
    if (value === "" && !switches.has(name)) throw new Error(`query ${JSON.stringify(name)} has no value`);
    if (!known.has(name)) throw new Error(`unexpected query ${JSON.stringify(name)}`);
    values.set(name, value);
  }
  const said = (name: string) => values.get(name);
  let ref = agreeing("ref", givenRef, said("ref"));
  const tag = said("tag");
  const branch = said("branch");
  if (tag !== undefined && branch !== undefined) throw new Error("branch conflicts with tag");
  if (tag !== undefined) ref = agreeing("ref", ref, withPrefix("refs/tags/", tag));
  if (branch !== undefined) ref = agreeing("ref", ref, withPrefix("refs/heads/", branch));
  const mtime = said("mtime");
  if (mtime !== undefined && mtime !== "checkout" && mtime !== "commit") {
    throw new Error(`invalid mtime value: ${JSON.stringify(mtime)} (must be "checkout" or "commit")`);
  }
  return {
    ref,
    subdir: agreeing("subdir", givenSubdir, said("subdir")),
    checksum: said("checksum") ?? said("commit"),
    keepGitDir: boolean("keep-git-dir", said("keep-git-dir")),
    submodules: boolean("submodules", said("submodules")),
    mtime,
    fetchByCommit: boolean("fetch-by-commit", said("fetch-by-commit")) ?? false,
  };
}

const known: ReadonlySet<string> = new Set([...switches, ..."ref tag branch subdir checksum commit mtime".split(" ")]);

function agreeing(what: string, given: string, said: string | undefined): string {
  if (said !== undefined && given !== "" && given !== said) {
    throw new Error(`${what} conflicts: ${JSON.stringify(given)} vs ${JSON.stringify(said)}`);
  }
  return said ?? given;
}

function boolean(name: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (["", "1", "t", "T", "true", "TRUE", "True"].includes(value)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(value)) return false;
  throw new Error(`invalid ${name} value: ${JSON.stringify(value)}`);
}

const withPrefix = (prefix: string, name: string) => (name.startsWith(prefix) ? name : prefix + name);

/** Clean and without a slash in front; cannot leave the directory that it starts from. */
function relativePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
