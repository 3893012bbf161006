import { BuildError } from "../../errors/mod.ts";
import { createPathPattern, type PathPattern } from "./path-pattern.ts";

/** What a list of patterns says of one directory, for asking about what is in it. */
export interface DirectoryVerdict {
  /** Whether the directory itself matches. */
  readonly matched: boolean;
  /** Which of the patterns matched it or a directory above it. */
  readonly byPattern: readonly boolean[];
}

/** A list of patterns. Paths are relative, slash-separated and clean. Stateless: may be shared. */
export interface PatternMatcher {
  /** No pattern at all: nothing matches. */
  readonly empty: boolean;
  /** Whether any pattern starts with `!`. */
  readonly hasExceptions: boolean;
  /** Cleaned patterns, in order, with their `!`. */
  readonly patterns: readonly string[];
  /**
   * Whether `path` matches, by itself or through a directory above it.
   * @param parent verdict on the directory that holds `path`; without it every directory above is matched again
   */
  matches(path: string, parent?: DirectoryVerdict): boolean;
  /** The verdict on a directory that a walk enters. */
  enter(path: string, parent?: DirectoryVerdict): DirectoryVerdict;
  /** Whether anything below the directory can match: a walk with these patterns as *includes* need not enter otherwise. */
  mayMatchBelow(path: string, verdict: DirectoryVerdict): boolean;
  /** Whether an exception can match below the directory: a walk with these patterns as *excludes* must enter although it matched. */
  mayExceptBelow(path: string): boolean;
}

/**
 * @param patterns one each, `!` first for an exception; empty ones are ignored
 * @throws {BuildError} `invalid_argument`: `illegal exclusion pattern: "!"` or `syntax error in pattern: "…"`
 */
export function createPatternMatcher(patterns: readonly string[]): PatternMatcher {
  const list: { readonly pattern: PathPattern; readonly exception: boolean }[] = [];
  for (const given of patterns) {
    const text = given.trim();
    if (text === "") continue;
    const exception = text.startsWith("!");
    if (text === "!") throw new BuildError("invalid_argument", 'illegal exclusion pattern: "!"');
    list.push({ pattern: createPathPattern(exception ? text.slice(1) : text), exception });
  }

  const judge = (path: string, parent: DirectoryVerdict | undefined): DirectoryVerdict => {
    let matched = false;
    let above: readonly string[] | undefined;
    const byPattern = list.map(({ pattern, exception }, at) => {
      let match = parent?.byPattern[at] ?? false;
      if (!match) {
        // Only what would change the verdict is asked: as in moby, a skipped pattern counts as not matched for what is below, too.
        if (exception !== matched) return false;
        match = pattern.matches(path);
        if (!match && parent === undefined) {
          above ??= directoriesAbove(path);
          match = above.some((directory) => pattern.matches(directory));
        }
      }
      if (match) matched = !exception;
      return match;
    });
    return { matched, byPattern };
  };

  return {
    empty: list.length === 0,
    hasExceptions: list.some(({ exception }) => exception),
    patterns: list.map(({ pattern, exception }) => (exception ? `!${pattern.text}` : pattern.text)),
    matches: (path, parent) => list.length > 0 && judge(path, parent).matched,
    enter: judge,
    mayMatchBelow: (path, verdict) =>
      list.some(
        ({ pattern, exception }, at) => !exception && (verdict.byPattern[at] === true || pattern.mayMatchBelow(path)),
      ),
    mayExceptBelow: (path) => list.some(({ pattern, exception }) => exception && pattern.mayMatchBelow(path)),
  };
}

function directoriesAbove(path: string): readonly string[] {
  const found: string[] = [];
  for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) found.push(path.slice(0, at));
  return found;
}
