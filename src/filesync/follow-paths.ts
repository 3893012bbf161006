import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { createPathPattern } from "../base/text/patterns/mod.ts";
import { comparePaths } from "./path-order.ts";

/**
 * Resolves paths through the symlinks inside `root`, so that a transfer holds whatever they lead to: every link that is met and every final target.
 * The last component of a path may be a wildcard. Links that point outside are taken as pointing inside, as they would be in a container.
 *
 * @returns include patterns, sorted, none below another; empty when the whole tree is meant
 */
export function followPaths(root: string, paths: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const follow = (path: string): void => {
    const names = insideRoot(path).split("/");
    let current = "";
    for (const [at, name] of names.entries()) {
      const last = at === names.length - 1;
      current = current === "" ? name : `${current}/${name}`;
      const targets = linkTargets(root, current, last);
      if (targets.length === 0 && !last) continue;
      if (found.has(current)) return; // also the end of links that point at each other
      found.add(current);
      for (const target of targets) follow(last ? target : join(target, names.slice(at + 1).join("/")));
      if (targets.length > 0) return;
    }
  };
  for (const path of paths) follow(path);
  if (found.has("")) return [];
  const sorted = [...found].sort(comparePaths);
  let kept: string | undefined;
  return sorted.filter((path) => {
    if (kept !== undefined && path.startsWith(`${kept}/`)) return false;
    kept = path;
    return true;
  });
}

/** `path` as seen from the root: no leading slash, and `..` at the top stays at the top. The root itself is "". */
function insideRoot(path: string): string {
  return join("/", path).replace(/^\/+|\/+$/g, "");
}

/** Where a path inside the root points if it is a symlink (or, with a wildcard as its last name, where the links among its matches point). */
function linkTargets(root: string, path: string, wildcards: boolean): readonly string[] {
  const directory = dirname(path);
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (wildcards && /[*?[\\]/.test(name)) {
    const pattern = createPathPattern(name);
    return namesOf(join(root, directory))
      .filter((candidate) => pattern.matches(candidate))
      .flatMap((candidate) => linkTargets(root, join(directory, candidate), false));
  }
  const onDisk = join(root, path);
  if (!lstatOf(onDisk)?.isSymbolicLink()) return [];
  const target = readlinkSync(onDisk);
  return [isAbsolute(target) ? target : join("/", directory, target)];
}

function namesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function lstatOf(path: string): { isSymbolicLink(): boolean } | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR";
}
