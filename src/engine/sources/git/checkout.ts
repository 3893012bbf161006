import { chmod, mkdir, readdir, rm, stat, utimes, lutimes } from "node:fs/promises";
import { join } from "node:path";
import { BuildError, isAbort } from "../../../base/errors/mod.ts";
import type { Git } from "./git.ts";
import type { GitRequest } from "./request.ts";
import type { ResolvedCommit } from "./resolve-ref.ts";

/**
 * Fetches one commit and lays its files down in a directory below `home`.
 * @returns the directory that was asked for
 * @throws {BuildError} `subdir not found X`
 */
export async function checkout(git: Git, request: GitRequest, found: ResolvedCommit, home: string): Promise<string> {
  const directory = join(home, "checkout");
  await mkdir(directory);
  const run = (...args: string[]) => git.run(args, { cwd: directory });
  await run("-c", "init.defaultBranch=master", "init", "--quiet");
  await run("remote", "add", "--", "origin", request.remote);
  await fetchCommit(run, found);
  await run("checkout", "--quiet", "--detach", found.commit);
  if (!request.skipSubmodules) {
    await run("submodule", "update", "--init", "--recursive", "--depth=1", "--quiet");
  }
  if (request.commitTimes) {
    await setTimes(directory, Number((await run("show", "-s", "--format=%ct", "HEAD")).trim()));
  }
  if (!request.keepGitDir) await removeGitDirs(directory);
  const wanted = join(directory, request.subdir);
  const kind = await stat(wanted).catch(() => undefined);
  if (!kind) throw new BuildError("not_found", `subdir not found ${JSON.stringify(request.subdir)}`);
  if (!kind.isDirectory())
    throw new BuildError("invalid_argument", `${JSON.stringify(request.subdir)} is not a directory`);
  await chmod(wanted, 0o755);
  return wanted;
}

/** Only the commit where the server allows that, else what its ref has, else everything. */
async function fetchCommit(
  run: (...args: string[]) => Promise<string>,
  { commit, ref }: ResolvedCommit,
): Promise<void> {
  const attempts = [
    ["--depth=1", "--no-tags", "origin", commit],
    ...(ref === "" ? [] : [["--depth=1", "--no-tags", "origin", ref]]),
    ["--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"],
  ];
  let failure: unknown;
  for (const args of attempts) {
    try {
      await run("fetch", "--quiet", ...args);
      await run("cat-file", "-e", `${commit}^{commit}`);
      return;
    } catch (error) {
      if (isAbort(error)) throw error;
      failure = error;
    }
  }
  throw failure;
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
