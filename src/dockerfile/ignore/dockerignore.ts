import { cleanPath } from "../../base/text/paths/mod.ts";

/**
 * The patterns of a `.dockerignore` file, for `createPatternMatcher`.
 *
 * One per line; a line that starts with `#` is a comment; blanks around a pattern and a slash in front of it mean nothing.
 */
export function parseDockerignore(text: string): readonly string[] {
  return dockerignoreLines(text).map(({ pattern }) => pattern);
}

/** As {@link parseDockerignore}, each pattern with its line, counted from 1. */
export function dockerignoreLines(text: string): readonly { readonly line: number; readonly pattern: string }[] {
  const patterns: { line: number; pattern: string }[] = [];
  for (const [at, line] of text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    if (line.startsWith("#")) continue;
    const said = line.trim();
    if (said === "") continue;
    const exception = said.startsWith("!");
    const path = exception ? said.slice(1).trim() : said;
    const cleaned = path === "" ? "" : cleanPath(path);
    const relative = cleaned.length > 1 && cleaned.startsWith("/") ? cleaned.slice(1) : cleaned;
    patterns.push({ line: at + 1, pattern: (exception ? "!" : "") + relative });
  }
  return patterns;
}
