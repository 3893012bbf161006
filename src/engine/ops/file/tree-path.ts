import { BuildError } from "../../../base/errors/mod.ts";
import { cleanPath } from "../../../base/text/paths/mod.ts";
import { joinPath, parentOf, type TocEntry, type Tree } from "../../snapshots/mod.ts";

/** Links followed before a path is taken to run in circles. */
const linkLimit = 255;

/** `path` as trees spell it: clean, relative to the root, `""` for the root itself. What climbs above the root stays in it. */
export function relativePath(path: string): string {
  return cleanPath(`/${path}`).slice(1);
}

/**
 * Where `path` leads when every symlink on the way is followed inside the tree, the last component included. What does not exist
 * is taken as it is written.
 * @throws {BuildError} when the way goes through something that is no directory, or in circles
 */
export function followPath(tree: Pick<Tree, "get">, path: string): string {
  const todo = relativePath(path).split("/").reverse();
  let at = "";
  let links = 0;
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      at = parentOf(at);
      continue;
    }
    const next = joinPath(at, name);
    const entry = tree.get(next);
    if (entry?.type !== "symlink") {
      if (entry && entry.type !== "dir" && todo.some((rest) => rest !== "" && rest !== ".")) {
        throw pathError("lstat", joinPath(next, todo.at(-1) ?? ""), "not a directory");
      }
      at = next;
      continue;
    }
    if (++links > linkLimit)
      throw new BuildError("unknown", `${JSON.stringify(`/${relativePath(path)}`)}: too many links`);
    const target = entry.linkname ?? "";
    if (target.startsWith("/")) at = "";
    todo.push(...target.split("/").reverse());
  }
  return at;
}

/** As {@link followPath}, but the last component itself is not followed. */
export function followParent(tree: Pick<Tree, "get">, path: string): string {
  const relative = relativePath(path);
  if (relative === "") return "";
  return joinPath(followPath(tree, parentOf(relative)), relative.slice(relative.lastIndexOf("/") + 1));
}

/** The entry that `path` leads to, all links followed. */
export function statPath(tree: Pick<Tree, "get">, path: string): TocEntry | undefined {
  return tree.get(followPath(tree, path));
}

/** The words that Go's os package has for a failed operation on a path inside the tree. */
export function pathError(operation: string, path: string, what: string): BuildError {
  const code = what === "no such file or directory" ? "not_found" : "unknown";
  return new BuildError(code, `${operation} /${path}: ${what}`);
}
