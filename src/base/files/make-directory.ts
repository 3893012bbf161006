import { mkdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isSystemError, systemError } from "../errors/mod.ts";

/** Mode of the directories that are made; the process's umask takes from it. */
interface DirectoryOptions {
  readonly mode?: number;
}

/**
 * Makes a directory and those above it that are missing; one that is there stays as it is.
 *
 * Node's own recursive `mkdir` never comes back where the kernel makes no directories, as below `/proc`: this says so.
 * @param options.onMade told of each directory that was made, topmost first
 * @throws {SystemError} `ENOTDIR` when something else stands in the way, `EPERM` where nobody can make one, and what `mkdir` says
 */
export async function makeDirectory(
  path: string,
  { mode = 0o777, onMade }: DirectoryOptions & { readonly onMade?: (path: string) => Promise<void> } = {},
): Promise<void> {
  const climb = new Climb(path);
  while (climb.at !== undefined) {
    const { at } = climb;
    const problem = await mkdir(at, { mode }).catch((error: unknown) => error);
    if (problem === undefined) {
      await onMade?.(at);
      climb.made();
    } else climb.failed(problem, { here: await found(at), above: await found(dirname(at)) });
  }
}

/** As {@link makeDirectory}, at once. */
export function makeDirectorySync(path: string, { mode = 0o777 }: DirectoryOptions = {}): void {
  const climb = new Climb(path);
  while (climb.at !== undefined) {
    const { at } = climb;
    try {
      mkdirSync(at, { mode });
      climb.made();
    } catch (problem) {
      const look = (where: string) => kindOf(statSync(where, { throwIfNoEntry: false }));
      climb.failed(problem, { here: look(at), above: look(dirname(at)) });
    }
  }
}

type Kind = "directory" | "other" | "nothing";

/** Up to the first directory that is there, and down again: which one is to be made next. */
class Climb {
  /** `undefined` when all are there. */
  at: string | undefined;
  readonly #below: string[] = [];
  /** Where the kernel has refused although all above is there; a second time means it. */
  #refused: string | undefined;
  constructor(path: string) {
    this.at = resolve(path);
  }
  made(): void {
    this.at = this.#below.pop();
  }
  failed(problem: unknown, { here, above }: { readonly here: Kind; readonly above: Kind }): void {
    const at = this.at ?? "";
    if (here === "directory") return this.made(); // before us, or by somebody else just now
    if (here === "other" || isSystemError(problem, "EEXIST")) throw systemError(notDirectory, "mkdir", at);
    if (!isSystemError(problem, "ENOENT")) throw problem;
    if (above === "directory") {
      if (this.#refused === at) throw systemError(notPermitted, "mkdir", at);
      this.#refused = at; // whoever has made what is above may have done so after we were refused
      return;
    }
    this.#below.push(at);
    this.at = dirname(at);
  }
}

async function found(path: string): Promise<Kind> {
  return kindOf(await stat(path).catch(() => undefined));
}

function kindOf(stats: { isDirectory(): boolean } | undefined): Kind {
  return stats === undefined ? "nothing" : stats.isDirectory() ? "directory" : "other";
}

/** errno values, the same on all of Linux's architectures. */
const notPermitted = 1;
const notDirectory = 20;
