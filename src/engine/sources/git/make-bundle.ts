import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "./git.ts";
import { isCommit, objectFormatOf } from "./object-name.ts";
import { onThisMachine } from "./place.ts";
import type { GitRequest } from "./request.ts";
import type { ResolvedCommit } from "./resolve-ref.ts";

/**
 * Writes a commit with its history into one file, `bundle`, below `home`.
 * @param repository a bare one that has all of it
 * @returns the directory of the file
 */
export async function makeBundle(
  git: Git,
  repository: string,
  { ref }: GitRequest,
  { commit, object }: ResolvedCommit,
  home: string,
): Promise<string> {
  const staged = join(home, "staged.git");
  const directory = join(home, "checkout");
  await mkdir(directory);
  const format = `--object-format=${objectFormatOf(commit)}`;
  await git.run(["-c", "init.defaultBranch=master", "init", "--quiet", "--bare", format, staged]);
  const options = { cwd: staged, env: onThisMachine };
  const name = bundledRef(ref);
  await git.run(["fetch", "--quiet", "--no-tags", "--", `file://${repository}`, object], options);
  await git.run(["update-ref", name, name.startsWith("refs/tags/") ? object : commit], options);
  // With several threads the same objects can be packed in different ways.
  await git.run(["-c", "pack.threads=1", "bundle", "create", "--quiet", join(directory, "bundle"), name], options);
  return directory;
}

/** What the commit is called in the bundle: as it was asked for, where that is a name. */
function bundledRef(ref: string): string {
  if (ref === "" || isCommit(ref)) return "refs/heads/main";
  return ref.startsWith("refs/tags/") ? ref : `refs/heads/${ref.replace(/^refs\//, "").replace(/^heads\//, "")}`;
}
