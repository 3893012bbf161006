import { access } from "node:fs/promises";
import { join } from "node:path";
import { BuildError, isAbort } from "../../../base/errors/mod.ts";
import { digestHex, digestOf } from "../../../oci/mod.ts";
import type { Git } from "./git.ts";
import type { GitPlace } from "./place.ts";
import type { GitRequest } from "./request.ts";
import type { ResolvedCommit } from "./resolve-ref.ts";

/**
 * Makes a commit present in the bare repository `directory`: nothing is asked of the remote for one that is there. Only its own files are fetched where the
 * server allows that, else all of its history.
 * @throws {GitFailure} with what git says of the last attempt
 */
export async function fetchCommit(
  git: Git,
  directory: string,
  { bundle, asBundle, fetchByCommit }: GitRequest,
  { commit, object, ref }: ResolvedCommit,
  place: () => Promise<GitPlace>,
): Promise<void> {
  let env: Readonly<Record<string, string>> = {};
  const run = (...args: string[]) => git.run(args, { cwd: directory, env });
  const has = async (name: string) => {
    try {
      await run("cat-file", "-e", name);
      return true;
    } catch (error) {
      if (isAbort(error)) throw error;
      return false;
    }
  };
  const isShallow = async () =>
    await access(join(directory, "shallow")).then(
      () => true,
      () => false,
    );
  // A bundle without the history before it could not be fetched from.
  const isThere = async () =>
    (await has(`${commit}^{commit}`)) && (await has(object)) && !(asBundle && (await isShallow()));
  if (await isThere()) return;
  const { url: remote, ...from } = await place();
  env = from.env;
  // What has a name here is what the next fetch goes on from. Names of their own, so that no two of them stand in each other's way.
  const kept = `refs/fetched/${digestHex(digestOf(ref === "" ? "commit" : ref))}`;
  const shallow = [...(asBundle ? [] : ["--depth=1"]), "--no-tags", "--force"];
  const attempts = [
    ...(ref === "" || fetchByCommit ? [] : [[...shallow, "--", remote, `+${ref}:${kept}`]]),
    [...shallow, "--", remote, `+${commit}:${kept}`],
  ];
  let failure: unknown;
  for (const args of attempts) {
    try {
      await run("fetch", "--quiet", ...args);
      if (await isThere()) return;
    } catch (error) {
      if (isAbort(error)) throw error;
      failure = error;
    }
  }
  const whole = (await isShallow()) ? ["--unshallow"] : [];
  const all = ["+refs/heads/*:refs/fetched/heads/*", "+refs/tags/*:refs/fetched/tags/*"];
  await run("fetch", "--quiet", "--force", "--no-tags", ...whole, "--", remote, ...all);
  if (await has(`${commit}^{commit}`)) return;
  if (bundle) throw new BuildError("not_found", `commit ${commit} not found in bundle ${bundle.locator.name}`);
  throw failure ?? (await missing(run, commit));
}

/** What git says of a commit that is nowhere. */
async function missing(run: (...args: string[]) => Promise<string>, commit: string): Promise<unknown> {
  return await run("rev-parse", "--verify", `${commit}^{commit}`).catch((error: unknown) => error);
}
