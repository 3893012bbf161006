import { BuildError } from "../../../base/errors/mod.ts";
import type { Git } from "./git.ts";
import { isCommit } from "./object-name.ts";
import type { GitPlace } from "./place.ts";
import type { GitRequest } from "./request.ts";

/** What a request means right now. */
export interface ResolvedCommit {
  readonly commit: string;
  /** What the ref stands for itself: the commit, or an annotated tag. */
  readonly object: string;
  /** Full name of the branch or tag; empty where a commit was asked for. */
  readonly ref: string;
}

/**
 * Asks the remote what a ref stands for; a whole commit needs no asking.
 * @throws {BuildError} `repository does not contain ref X`; `expected checksum to match …`
 */
export async function resolveRef(
  git: Git,
  request: GitRequest,
  place: () => Promise<GitPlace>,
): Promise<ResolvedCommit> {
  const { ref, checksum, fetchByCommit, bundle } = request;
  if (isCommit(ref)) return checked({ commit: ref, object: ref, ref: "" }, checksum);
  const isPinned = fetchByCommit || (bundle && ref === "");
  if (isPinned && isCommit(checksum)) {
    const name = ref === "" || ref.startsWith("refs/") ? ref : `refs/heads/${ref}`;
    return { commit: checksum, object: checksum, ref: name };
  }
  const patterns = ref === "" ? ["HEAD"] : [ref, `${ref}^{}`];
  const { url, env } = await place();
  const listing = await git.run(["ls-remote", "--symref", "--", url, ...patterns], { env });
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
