import { chmod, lstat, lutimes, mkdir, readdir, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../../../base/errors/mod.ts";
import { withoutLogin } from "../../../base/text/logins/mod.ts";
import type { Git } from "./git.ts";
import type { GitRequest } from "./request.ts";
import { objectFormatOf } from "./object-name.ts";
import { onThisMachine } from "./place.ts";
import type { ResolvedCommit } from "./resolve-ref.ts";

/**
 * Lays the files of a commit down in a directory below `home`. Submodules are fetched from where they are.
 * @param repository a bare one that has the commit
 * @returns the directory that was asked for
 * @throws {BuildError} `subdir not found X`
 */
export async function checkout(
  git: Git,
  repository: string,
  request: GitRequest,
  found: ResolvedCommit,
  home: string,
): Promise<string> {
  const directory = join(home, `checkout`);
  await rm(directory, { recursive: true, force: true }); // of an attempt that failed
  await mkdir(directory);
  const { commit } = found;
  const modules = !request.skipSubmodules && (await hasSubmodules(git, repository, commit));
  if (request.keepGitDir || modules) await checkoutWithGitDir(git, repository, request, found, directory);
  else await checkoutFiles(git, repository, commit, { directory, index: join(home, "index-of-checkout") });
  if (modules) {
    const args = ["submodule", "update", "--init", "--recursive", "--depth=1", "--quiet"];
    await git.run(args, { cwd: directory });
  }
  if (request.commitTimes) await setTimes(directory, await commitTime(git, repository, commit));
  if (!request.keepGitDir) await removeGitDirs(directory);
  const wanted = await directoryIn(directory, request.subdir);
  await chmod(wanted, 0o755);
  return wanted;
}

/** A repository may hold links to anywhere: no step of the way may be one. */
async function directoryIn(root: string, subdir: string): Promise<string> {
  let at = root;
  for (const name of subdir.split("/")) {
    at = join(at, name);
    const kind = await lstat(at).catch(() => undefined);
    if (!kind) throw new BuildError("not_found", `subdir not found ${JSON.stringify(subdir)}`);
    if (!kind.isDirectory()) {
      const part = JSON.stringify(at.slice(root.length + 1));
      throw new BuildError("invalid_argument", `git subpath ${JSON.stringify(subdir)} contains non-directory ${part}`);
    }
  }
  return at;
}

/** When a commit was made, in whole seconds since the epoch. */
export async function commitTime(git: Git, repository: string, commit: string): Promise<number> {
  return Number((await git.run(["show", "-s", "--format=%ct", commit], { cwd: repository })).trim());
}

async function hasSubmodules(git: Git, repository: string, commit: string): Promise<boolean> {
  return (await git.run(["ls-tree", "--name-only", commit, "--", ".gitmodules"], { cwd: repository })).trim() !== "";
}

async function checkoutFiles(
  git: Git,
  repository: string,
  commit: string,
  { directory, index }: { readonly directory: string; readonly index: string },
): Promise<void> {
  const env = { GIT_DIR: repository, GIT_WORK_TREE: directory, GIT_INDEX_FILE: index };
  await git.run(["read-tree", "--reset", "-u", commit], { cwd: directory, env });
  await rm(index, { force: true });
}

/** With a `.git` as somebody's own clone would have it: with the branch or tag, and the remote, but nothing of this machine or of a login. */
async function checkoutWithGitDir(
  git: Git,
  repository: string,
  { remote }: GitRequest,
  { commit, object, ref }: ResolvedCommit,
  directory: string,
): Promise<void> {
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    git.run(args, { cwd: directory, env });
  const format = `--object-format=${objectFormatOf(commit)}`;
  await run(["-c", "init.defaultBranch=master", "init", "--quiet", format]);
  await run(["remote", "add", "--", "origin", withoutLogin(remote)]);
  const wanted = ref === "" ? commit : `${object}:${ref}`;
  const fetch = ["fetch", "--quiet", "--update-head-ok", "--depth=1", "--no-tags"];
  // As if it were far away: no links to this machine's files.
  await run([...fetch, "--", `file://${repository}`, wanted], onThisMachine);
  await run(["checkout", "--quiet", "--detach", commit]);
  await run(["reflog", "expire", "--all", "--expire=now"]);
  await rm(join(directory, ".git/FETCH_HEAD"), { force: true });
}

/** Those of submodules are files. */
async function removeGitDirs(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.name === ".git") await rm(path, { recursive: true });
    else if (entry.isDirectory()) await removeGitDirs(path);
  }
}

async function setTimes(directory: string, seconds: number): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await setTimes(path, seconds);
    else await lutimes(path, seconds, seconds);
  }
  await utimes(directory, seconds, seconds);
}
