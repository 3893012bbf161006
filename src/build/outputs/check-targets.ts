import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { BuildError } from "../../base/errors/mod.ts";
import type { OutputTarget, PlannedOutput } from "./plan-outputs.ts";

/**
 * Looks whether the places that outputs go to can take them, before anything is built, and spells their paths out.
 * @throws {BuildError} `invalid_argument` naming the path
 */
export async function checkTargets(outputs: readonly PlannedOutput[], cwd: string): Promise<readonly PlannedOutput[]> {
  return await Promise.all(outputs.map(async (output) => ({ ...output, target: await check(output.target, cwd) })));
}

async function check(target: OutputTarget, cwd: string): Promise<OutputTarget> {
  switch (target.type) {
    case "file": {
      const path = resolve(cwd, target.path);
      const kind = await kindOf(path);
      if (kind === "directory") throw invalid(`destination file ${target.path} is a directory`);
      if (kind === "absent" && (await kindOf(dirname(path))) !== "directory") {
        throw invalid(`cannot write ${target.path}: ${dirname(path)} is not a directory`);
      }
      return { type: "file", path };
    }
    case "directory": {
      const path = resolve(cwd, target.path);
      await requireDirectoryOrNothing(path, target.path);
      return { ...target, path };
    }
    case "none":
    case "stdout":
    case "docker-engine":
      return target;
  }
}

/** What is missing of the path will be made; what is there must be directories. */
async function requireDirectoryOrNothing(path: string, asGiven: string): Promise<void> {
  for (let at = path; ; at = dirname(at)) {
    const kind = await kindOf(at);
    if (kind === "other") throw invalid(`invalid destination directory: ${asGiven}: ${at} is not a directory`);
    if (kind === "directory" || at === dirname(at)) return;
  }
}

async function kindOf(path: string): Promise<"absent" | "directory" | "other"> {
  try {
    return (await stat(path)).isDirectory() ? "directory" : "other";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "absent";
    throw error;
  }
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
