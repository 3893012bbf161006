import { BuildError } from "../../../base/errors/mod.ts";
import type { Git } from "./git.ts";

/**
 * Reads a commit, or a tag and the commit that it stands for, as they are kept: their names are digests of a header and these bytes.
 * @param repository a bare one that has both
 * @param object name of the commit, or of the tag
 * @returns `name`: of the commit
 */
export async function readObjects(
  git: Git,
  repository: string,
  object: string,
): Promise<{ readonly name: string; readonly commit: Uint8Array; readonly tag: Uint8Array | undefined }> {
  const options = { cwd: repository };
  const type = (await git.run(["cat-file", "-t", object], options)).trim();
  if (type !== "commit" && type !== "tag") {
    throw new BuildError("invalid_argument", `expected commit or tag object, got ${type}`);
  }
  const isTag = type === "tag";
  const name = isTag ? (await git.run(["rev-parse", "--verify", `${object}^{commit}`], options)).trim() : object;
  return {
    name,
    commit: await git.read(["cat-file", "commit", name], options),
    tag: isTag ? await git.read(["cat-file", "tag", object], options) : undefined,
  };
}
