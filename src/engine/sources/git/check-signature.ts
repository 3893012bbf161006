import { BuildError } from "../../../base/errors/mod.ts";
import { verifyOpenPgp, verifySsh } from "../../../signatures/mod.ts";
import type { Git } from "./git.ts";
import type { GitSignature } from "./request.ts";
import type { ResolvedCommit } from "./resolve-ref.ts";
import { type SignedObject, signedCommit, signedTag } from "./signed-object.ts";

/**
 * Checks that what was asked for is signed: its tag, where it has one, or the commit.
 * @param repository a bare one that has both
 * @throws {BuildError} `failed_precondition`
 */
export async function checkSignature(
  git: Git,
  repository: string,
  { commit, object }: ResolvedCommit,
  wanted: GitSignature,
  now: Date,
): Promise<void> {
  const options = { cwd: repository };
  const isTag = (await git.run(["cat-file", "-t", object], options)).trim() === "tag";
  let failure = new BuildError("failed_precondition", "signed tag required but no signed tag found");
  if (isTag && !wanted.ignoreTag) {
    try {
      return await verify(signedTag(await git.read(["cat-file", "tag", object], options)), wanted, now);
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      failure = error;
    }
  }
  if (wanted.requireTag) throw failure;
  const found = (await git.run(["rev-parse", "--verify", `${commit}^{commit}`], options)).trim();
  await verify(signedCommit(await git.read(["cat-file", "commit", found], options), found), wanted, now);
}

async function verify(
  { data, signature }: SignedObject,
  { keys, rejectExpired }: GitSignature,
  now: Date,
): Promise<void> {
  if (signature === "") throw new BuildError("failed_precondition", "git object is not signed");
  if (signature.startsWith("-----BEGIN PGP SIGNATURE-----")) {
    return await verifyOpenPgp(() => [data], { signature, keys, now, rejectExpired });
  }
  if (signature.startsWith("-----BEGIN SSH SIGNATURE-----")) {
    return verifySsh(data, { signature, key: keys, namespace: "git" });
  }
  throw new BuildError("failed_precondition", "git object has a signature of an unknown format");
}
