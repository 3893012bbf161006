import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { BuildError, isSystemError } from "../../base/errors/mod.ts";
import type { OutputTarget, PlannedOutput } from "./plan-outputs.ts";

/** What the user has granted. */
interface Grants {
  /** Whether a directory that is to be emptied may lie anywhere, rather than below the working directory. */
  readonly mayDelete: boolean;
}

/**
 * Looks whether the places that outputs go to can take them, before anything is built, and spells their paths out.
 * @throws {BuildError} `invalid_argument` naming the path
 */
export async function checkTargets(
  outputs: readonly PlannedOutput[],
  cwd: string,
  grants: Grants,
): Promise<readonly PlannedOutput[]> {
  return await Promise.all(
    outputs.map(async (output) => ({ ...output, target: await check(output.target, cwd, grants) })),
  );
}

async function check(target: OutputTarget, cwd: string, { mayDelete }: Grants): Promise<OutputTarget> {
  switch (target.type) {
    case "file":
      return { type: "file", path: await checkDestinationFile(target.path, cwd) };
    case "layout":
    case "directory": {
      const path = resolve(cwd, target.path);
      await requireDirectoryOrNothing(path, target.path);
      if (target.type === "directory" && target.mode === "delete" && !mayDelete) {
        await requireBelow(cwd, path, target.path);
      }
      return { ...target, path };
    }
    case "none":
    case "stdout":
    case "docker-engine":
      return target;
  }
}

/**
 * Looks whether a file can be written: its directory is there and open to us, and it is no directory itself.
 * @returns its whole path
 * @throws {BuildError} `invalid_argument` naming the path
 */
export async function checkDestinationFile(asGiven: string, cwd: string): Promise<string> {
  const path = resolve(cwd, asGiven);
  const kind = await kindOf(path);
  if (kind === "directory") throw invalid(`destination file ${asGiven} is a directory`);
  if (kind === "absent" && (await kindOf(dirname(path))) !== "directory") {
    throw invalid(`cannot write ${asGiven}: ${dirname(path)} is not a directory`);
  }
  await requireWritable(kind === "special" ? path : dirname(path), asGiven);
  return path;
}

async function requireWritable(path: string, asGiven: string): Promise<void> {
  try {
    await access(path, constants.W_OK);
  } catch (error) {
    const why = isSystemError(error, "EROFS") ? "read-only file system" : "permission denied";
    throw invalid(`cannot write ${asGiven}: ${path}: ${why}`);
  }
}

/** What is missing of the path will be made; what is there must be directories. */
async function requireDirectoryOrNothing(path: string, asGiven: string): Promise<void> {
  for (let at = path; ; at = dirname(at)) {
    const kind = await kindOf(at);
    if (kind === "file" || kind === "special")
      throw invalid(`invalid destination directory: ${asGiven}: ${at} is not a directory`);
    if (kind === "directory") return await requireWritable(at, asGiven);
  }
}

/** Whoever mistypes a path does not want his home directory emptied. */
async function requireBelow(cwd: string, path: string, asGiven: string): Promise<void> {
  if ((await realPathOf(path)).startsWith(join(await realpath(cwd), "/"))) return;
  throw new BuildError(
    "permission_denied",
    `mode=delete removes everything else from ${asGiven}, which is not below the working directory: grant that by --allow=buildx.local.delete`,
  );
}

/** Where a path leads, also when the last parts of it do not exist. */
async function realPathOf(path: string): Promise<string> {
  if ((await kindOf(path)) !== "absent" || dirname(path) === path) return await realpath(path);
  return join(await realPathOf(dirname(path)), basename(path));
}

async function kindOf(path: string): Promise<"absent" | "directory" | "file" | "special"> {
  try {
    const found = await stat(path);
    return found.isDirectory() ? "directory" : found.isFile() ? "file" : "special";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "absent";
    throw error;
  }
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
