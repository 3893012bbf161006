import { BuildError } from "../../../base/errors/mod.ts";
import { createPatternMatcher, type DirectoryVerdict, type PatternMatcher } from "../../../base/text/patterns/mod.ts";
import { joinPath, type TocEntry, type Tree } from "../../snapshots/mod.ts";

/** Which entries below a copied path take part. Patterns as in `.dockerignore`, on paths relative to what is copied. */
export class CopyFilter {
  readonly include: PatternMatcher | undefined;
  readonly exclude: PatternMatcher | undefined;

  /** @throws {BuildError} `invalid_argument`: `invalid includepatterns: …` or `invalid excludepatterns: …` */
  constructor(include: readonly string[], exclude: readonly string[]) {
    this.include = matcher("includepatterns", include);
    this.exclude = matcher("excludepatterns", exclude);
  }
}

/** One entry that takes part. */
export interface Selected {
  /** In the tree that is copied from. */
  readonly entry: TocEntry;
  /** To what is copied; `""` for that itself. */
  readonly relative: string;
  /** A directory that no pattern selects, wanted for what is in it. */
  readonly onlyParent: boolean;
}

/**
 * What a copy of `path` takes along, a directory before what is in it. `path` itself always takes part; a directory that is not
 * selected takes part as soon as something in it does.
 */
export function* select(tree: Tree, path: string, filter: CopyFilter): Iterable<Selected> {
  if (!filter.include && !filter.exclude) {
    const skipped = path === "" ? 0 : path.length + 1;
    for (const entry of tree.walk(path)) yield { entry, relative: entry.path.slice(skipped), onlyParent: false };
    return;
  }
  const entry = tree.get(path);
  if (!entry) return;
  yield { entry, relative: "", onlyParent: false };
  if (entry.type === "dir") yield* selectBelow(tree, path, "", filter, { pending: [] });
}

/** What is known when a walk enters a directory. */
interface Descent {
  readonly include?: DirectoryVerdict;
  readonly exclude?: DirectoryVerdict;
  /** Directories on the way that have not taken part yet, outermost first. Emptied when something does. */
  readonly pending: Selected[];
}

function* selectBelow(
  tree: Tree,
  directory: string,
  below: string,
  filter: CopyFilter,
  descent: Descent,
): Iterable<Selected> {
  const { include, exclude } = filter;
  const { pending } = descent;
  for (const name of tree.children(directory)) {
    const path = joinPath(directory, name);
    const entry = tree.get(path);
    if (!entry) continue;
    const relative = joinPath(below, name);
    if (entry.type !== "dir") {
      if (include && !include.matches(relative, descent.include)) continue;
      if (exclude?.matches(relative, descent.exclude)) continue;
      yield* pending.splice(0);
      yield { entry, relative, onlyParent: false };
      continue;
    }
    const included = include?.enter(relative, descent.include);
    const excluded = exclude?.enter(relative, descent.exclude);
    const selected = included?.matched !== false && !excluded?.matched;
    if (selected) {
      yield* pending.splice(0);
      yield { entry, relative, onlyParent: false };
    } else {
      if (excluded?.matched && !exclude?.mayExceptBelow(relative)) continue;
      if (include && included && !include.mayMatchBelow(relative, included)) continue;
      pending.push({ entry, relative, onlyParent: true });
    }
    const verdicts = { ...(included && { include: included }), ...(excluded && { exclude: excluded }) };
    yield* selectBelow(tree, path, relative, filter, { ...verdicts, pending });
    if (pending.at(-1)?.relative === relative) pending.pop();
  }
}

function matcher(kind: string, patterns: readonly string[]): PatternMatcher | undefined {
  if (patterns.length === 0) return undefined;
  try {
    return createPatternMatcher(patterns);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BuildError("invalid_argument", `invalid ${kind}: [${patterns.join(" ")}]: ${reason}`, { cause: error });
  }
}
