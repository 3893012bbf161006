import { accessSync, constants } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { capture, type Spawner } from "../../../base/process/mod.ts";

/** A program that starts a process from an OCI bundle. */
export interface Runtime {
  readonly name: "crun" | "runc";
  readonly path: string;
}

/** Directories where distributions put runtimes, which are not on every user's PATH. */
const moreDirectories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The runtimes of this machine, the one to try first first. crun needs a third of runc's time. */
export function findRuntimes(path: string): readonly Runtime[] {
  return (["crun", "runc"] as const).flatMap((name) => {
    const found = look(name, path);
    return found === undefined ? [] : [{ name, path: found }];
  });
}

/**
 * The runtime that somebody wants, whatever its file is called: it is asked which of the two it is.
 * @param program a name, or a path
 * @throws {BuildError} `invalid_argument` when it is not there, or neither
 */
export async function chosenRuntime(
  program: string,
  { path, spawner }: { readonly path: string; readonly spawner: Spawner },
): Promise<Runtime> {
  const found = program.includes("/") ? [resolve(program)].find(isExecutable) : look(program, path);
  if (found === undefined) throw new BuildError("invalid_argument", `failed to find ${program} binary`);
  let said: string;
  try {
    said = (await capture(spawner, found, ["--version"])).stdout;
  } catch (cause) {
    throw new BuildError("invalid_argument", `cannot run ${found}: ${messageOf(cause)}`, { cause });
  }
  const name = /^(crun|runc) version /.exec(said)?.[1];
  if (name === "crun" || name === "runc") return { name, path: found };
  throw new BuildError("invalid_argument", `${found} is neither crun nor runc, by what it says of its version`);
}

function look(name: string, path: string): string | undefined {
  const directories = [...path.split(delimiter).filter(Boolean), ...moreDirectories];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
