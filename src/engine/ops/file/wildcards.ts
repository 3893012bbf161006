import { BuildError } from "../../../base/errors/mod.ts";
import { createPathPattern } from "../../../base/text/patterns/mod.ts";
import { joinPath, type Tree } from "../../snapshots/mod.ts";
import { followParent, followPath, pathError, relativePath } from "./tree-path.ts";

/** Whether `*`, `?` or `[` stands in `text` without a backslash before it. */
export function hasWildcards(text: string): boolean {
  return /^(?:[^\\*?[]|\\.)*[*?[]/s.test(text);
}

/**
 * The paths that a pattern stands for, in order. Up to the first component with a wildcard it is a path like any other; from there on each
 * component is matched by name, `*` never crossing a `/`, and links are not followed.
 *
 * What is no pattern matches nothing. A pattern without wildcards stands for itself, whether it exists or not.
 * @throws {BuildError} when the part before the wildcards does not exist
 */
export function resolveWildcards(tree: Tree, pattern: string, options: { followLinks: boolean }): readonly string[] {
  const components = relativePath(pattern).split("/");
  const first = components.findIndex(hasWildcards);
  if (first < 0) return [components.join("/")];
  const plain = components.slice(0, first).join("/");
  const prefix = options.followLinks ? followPath(tree, plain) : followParent(tree, plain);
  if (!tree.get(prefix)) throw pathError("lstat", prefix, "no such file or directory");
  let found: readonly string[] = [prefix];
  for (const component of components.slice(first)) {
    const matches = matcherOf(component);
    found = found.flatMap((path) =>
      tree
        .children(path)
        .filter((name) => matches(name))
        .map((name) => joinPath(path, name)),
    );
  }
  return found;
}

function matcherOf(component: string): (name: string) => boolean {
  try {
    return createPathPattern(component).matches;
  } catch (error) {
    if (error instanceof BuildError) return () => false;
    throw error;
  }
}
