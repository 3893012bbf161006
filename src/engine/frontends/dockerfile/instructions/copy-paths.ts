import type { State } from "../../../../llb/mod.ts";
import { resolvePath } from "../paths.ts";
import type { SourceAction } from "./copy-files.ts";

/** What copies a path (wildcards allowed) out of the build context, a stage or an image. */
export function pathActions(
  path: string,
  from: State,
  options: { readonly parents: boolean; readonly attemptUnpack: boolean },
): SourceAction {
  const common = {
    from,
    followSymlinks: true,
    copyDirContentsOnly: true,
    attemptUnpack: options.attemptUnpack,
    allowWildcard: true,
    allowEmptyWildcard: true,
  };
  if (!options.parents) return { ...common, source: resolvePath("/", path) };
  // What stands in front of the pivot `/./` is not kept.
  const pivot = path.indexOf("/./");
  const root = pivot < 0 ? "/" : path.slice(0, pivot);
  const pattern = resolvePath("/", pivot < 0 ? path : path.slice(pivot + 3));
  const wild = hasWildcards(root) || hasWildcards(pattern);
  return {
    ...common,
    source: resolvePath("/", root),
    includePatterns: [pattern.slice(1)],
    ...(!wild && { requiredPaths: [resolvePath("/", `${root}/${pattern}`)] }),
  };
}

function hasWildcards(path: string): boolean {
  return /[*?[]/.test(path.replace(/\\./gs, ""));
}
