import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that starts a process from an OCI bundle. */
export interface Runtime {
  readonly name: "crun" | "runc";
  readonly path: string;
}

/** Directories where distributions put runtimes, which are not on every user's PATH. */
const moreDirectories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The runtimes of this machine, the one to try first first. crun needs a third of runc's time. */
export function findRuntimes(path: string): readonly Runtime[] {
  const directories = [...path.split(delimiter).filter(Boolean), ...moreDirectories];
  return (["crun", "runc"] as const).flatMap((name) => {
    const found = directories.map((directory) => join(directory, name)).find(isExecutable);
    return found === undefined ? [] : [{ name, path: found }];
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
