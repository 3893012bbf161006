import { BuildError } from "../../../base/errors/mod.ts";
import type { Git } from "./git.ts";
import type { GitRequest } from "./request.ts";

/** What a request means right now. */
export interface ResolvedCommit {
  readonly commit: string;
  /** Full name of the branch or tag; empty where a commit was asked for. */
  readonly ref: string;
}

const isCommit = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

/**
 * Asks the remote what a ref stands for; a whole commit needs no asking.
 * @throws {BuildError} `repository does not contain ref X`; `expected checksum to match …`
 */
export async function resolveRef(git: Git, request: GitRequest): Promise<ResolvedCommit> {
  const { ref, checksum, fetchByCommit } = request;
  if (isCommit(ref)) return checked({ commit: ref, ref: "" }, checksum);
  if (fetchByCommit && isCommit(checksum)) return { commit: checksum, ref: "" };
  const wanted =
    ref === "" ? ["HEAD"] : ref.startsWith("refs/") ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`, ref];
  const patterns = ref === "" ? ["HEAD"] : [ref, `${ref}^{}`];
  const listing = await git.run(["ls-remote", "--", request.remote, ...patterns]);
  const refs = new Map(listing.split("\n").map((line) => line.split("\t", 2).reverse() as [string, string]));
  for (const name of wanted) {
    const object = refs.get(name);
    if (object === undefined) continue;
    // An annotated tag is an object of its own; what counts is the commit it stands for.
    return checked({ commit: refs.get(`${name}^{}`) ?? object, ref: name === "HEAD" ? "" : name }, checksum);
  }
  throw new BuildError("not_found", `repository does not contain ref ${ref === "" ? "HEAD" : ref}`);
}

function checked(found: ResolvedCommit, checksum: string): ResolvedCommit {
  if (found.commit.startsWith(checksum)) return found;
  throw new BuildError("failed_precondition", `expected checksum to match ${checksum}, got ${found.commit}`);
}
