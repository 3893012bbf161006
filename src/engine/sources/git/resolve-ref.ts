import { BuildError } from "../../../base/errors/mod.ts";
import type { Git } from "./git.ts";
import type { GitRequest } from "./request.ts";

/** What a request means right now. */
export interface ResolvedCommit {
  readonly commit: string;
  /** What the ref stands for itself: the commit, or an annotated tag. */
  readonly object: string;
  /** Full name of the branch or tag; empty where a commit was asked for. */
  readonly ref: string;
}

/** How a repository names its objects. */
export type ObjectFormat = "sha1" | "sha256";

/** @param object its whole name */
export function objectFormatOf(object: string): ObjectFormat {
  return object.length === 64 ? "sha256" : "sha1";
}

const isCommit = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

/**
 * Asks the remote what a ref stands for; a whole commit needs no asking.
 * @throws {BuildError} `repository does not contain ref X`; `expected checksum to match …`
 */
export async function resolveRef(git: Git, request: GitRequest): Promise<ResolvedCommit> {
  const { ref, checksum, fetchByCommit } = request;
  if (isCommit(ref)) return checked({ commit: ref, object: ref, ref: "" }, checksum);
  if (fetchByCommit && isCommit(checksum)) return { commit: checksum, object: checksum, ref: "" };
  const patterns = ref === "" ? ["HEAD"] : [ref, `${ref}^{}`];
  const listing = await git.run(["ls-remote", "--symref", "--", request.remote, ...patterns]);
  const lines = listing.split("\n").map((line) => line.split("\t", 2) as [string, string]);
  const refs = new Map(lines.filter(([object]) => isCommit(object)).map(([object, name]) => [name, object]));
  const branch = lines
    .find(([target, name]) => name === "HEAD" && target.startsWith("ref: "))?.[0]
    .slice("ref: ".length);
  const wanted =
    ref === "" ? ["HEAD"] : ref.startsWith("refs/") ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`, ref];
  for (const name of wanted) {
    const object = refs.get(name);
    if (object === undefined) continue;
    // An annotated tag is an object of its own; what counts is the commit it stands for.
    const commit = refs.get(`${name}^{}`) ?? object;
    return checked({ commit, object, ref: name === "HEAD" ? (branch ?? "") : name }, checksum);
  }
  throw new BuildError("not_found", `repository does not contain ref ${ref === "" ? "HEAD" : ref}`);
}

function checked(found: ResolvedCommit, checksum: string): ResolvedCommit {
  const { commit, object } = found;
  if (commit.startsWith(checksum) || object.startsWith(checksum)) return found;
  const got = object === commit ? commit : `${object} or ${commit}`;
  throw new BuildError("failed_precondition", `expected checksum to match ${checksum}, got ${got}`);
}
