import { createPatternMatcher } from "../../base/text/patterns/mod.ts";
import { dockerignoreLines } from "./dockerignore.ts";

/** A line of a `.dockerignore` file, counted from 1, and what stands there. */
export interface IgnoreLine {
  readonly line: number;
  readonly pattern: string;
}

/** Files with more lines are not looked into for reasons. */
const maxLines = 2000;

/**
 * Which line of a `.dockerignore` file keeps `path` out; `undefined` when it is let in.
 * @param path relative to the context, clean
 * @throws {BuildError} for a pattern that is none
 */
export function ignoredBy(text: string, path: string): IgnoreLine | undefined {
  const lines = dockerignoreLines(text);
  if (lines.length > maxLines) return undefined;
  const matches = (count: number) =>
    createPatternMatcher(lines.slice(0, count).map(({ pattern }) => pattern)).matches(path);
  if (!matches(lines.length)) return undefined;
  // The last line after which the path was out, and before which it was not.
  let count = lines.length;
  while (count > 1 && matches(count - 1)) count--;
  return lines[count - 1];
}
