/**
 * Path patterns as `.dockerignore` and BuildKit's include and exclude lists use them: Go's `filepath.Match` plus `**`, `!` for
 * exceptions, the last match wins, and a pattern that matches a directory matches everything below it.
 *
 * ```ts
 * const ignored = createPatternMatcher(["node_modules", "**\/*.log", "!keep.log"]);
 * ignored.matches("node_modules/a/b.js"); // true: its directory matched
 * ```
 * Walks carry the verdict of each directory down to its children, see {@link PatternMatcher.enter}.
 */
export { createPatternMatcher, type PatternMatcher, type DirectoryVerdict } from "./pattern-matcher.ts";
export { createPathPattern, type PathPattern } from "./path-pattern.ts";
