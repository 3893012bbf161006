import { BuildError } from "../base/errors/mod.ts";
import type { FileStat } from "./file-stat.ts";
import { compareNames } from "./path-order.ts";

/** Longest path that is accepted; the kernel's own limit for one call. */
const maxPathBytes = 4096;
/** Most directories on the way; far more than people use, and few enough to keep all of them open. */
const maxDepth = 256;
/** Longest name; the limit of every common file system. */
const maxNameBytes = 255;

/**
 * Checks entries that come from outside, one after the other: clean relative paths, each directory before its contents, names in order, hardlinks to
 * files that came before. What passes can be created by joining its path to the root, as long as no directory on the way is a symlink on disk.
 */
export class ReceivedOrder {
  /** Directories that are open: the root first, each with the name of the last entry seen in it. */
  readonly #open: { readonly path: string; last: string | undefined }[] = [{ path: "", last: undefined }];
  /** Paths of files that hardlinks may name. */
  readonly #files = new Set<string>();
  /** @throws {BuildError} `invalid_argument` */
  accept(stat: FileStat): void {
    const { path } = stat;
    const names = checkPath(path);
    const name = names.at(-1) as string;
    const parent = path.slice(0, Math.max(0, path.length - name.length - 1));
    while (this.#open.length > 1 && this.#open.at(-1)?.path !== parent) this.#open.pop();
    const directory = this.#open.at(-1);
    if (directory?.path !== parent) throw outOfOrder(path, "its directory was not sent before");
    if (directory.last !== undefined && compareNames(directory.last, name) >= 0) {
      throw outOfOrder(path, `comes after ${JSON.stringify(directory.last)}`);
    }
    directory.last = name;
    if (stat.type === "dir") this.#open.push({ path, last: undefined });
    else if (stat.hardlink !== undefined) {
      if (!this.#files.has(stat.hardlink)) {
        throw new BuildError(
          "invalid_argument",
          `invalid link ${JSON.stringify(path)} to unknown path: ${JSON.stringify(stat.hardlink)}`,
        );
      }
    } else if (stat.type !== "symlink") this.#files.add(path);
  }
}

/** The names of a path from outside. @throws {BuildError} `invalid_argument` unless it is relative, clean and of bearable length */
function checkPath(path: string): readonly string[] {
  const quoted = JSON.stringify(path.slice(0, 300));
  if (path.startsWith("/")) throw new BuildError("invalid_argument", `absolute path ${quoted} not allowed`);
  if (path.includes("\0") || Buffer.byteLength(path) > maxPathBytes)
    throw new BuildError("invalid_argument", `invalid path ${quoted}`);
  const names = path.split("/");
  if (names.length > maxDepth) throw new BuildError("invalid_argument", `path too deep: ${quoted}`);
  for (const name of names) {
    if (name === "..")
      throw new BuildError("invalid_argument", `escape check failed: path ${quoted} leaves its directory`);
    if (name === "" || name === ".") throw new BuildError("invalid_argument", `unclean path ${quoted}`);
    if (name.length * 3 > maxNameBytes && Buffer.byteLength(name) > maxNameBytes) {
      throw new BuildError("invalid_argument", `name too long in path ${quoted}`);
    }
  }
  return names;
}

function outOfOrder(path: string, why: string): BuildError {
  return new BuildError("invalid_argument", `changes out of order: ${JSON.stringify(path)} ${why}`);
}
