import { cleanPath } from "../paths/mod.ts";
import { compileGlob, type GlobToken, parseGlob } from "./glob.ts";

/** One pattern of a list, without its `!`. */
export interface PathPattern {
  /** Cleaned: no surrounding blanks, no `./`, no trailing slash. */
  readonly text: string;
  /** Whether this very path matches; a match of a parent directory is the list's business. */
  matches(path: string): boolean;
  /** Whether something strictly below `directory` might match. Errs on the side of yes. */
  mayMatchBelow(directory: string): boolean;
}

/**
 * @param text without `!`; blanks around it are dropped
 * @throws {BuildError} `invalid_argument`: `syntax error in pattern: "…"`
 */
export function createPathPattern(text: string): PathPattern {
  const cleaned = cleanPath(text.trim());
  const tokens = parseGlob(cleaned);
  const matches = chooseMatcher(cleaned, tokens);
  const fixed = fixedDirectories(cleaned);
  return {
    text: cleaned,
    matches,
    mayMatchBelow(directory) {
      const parts = directory.split("/");
      for (const [at, part] of parts.entries()) {
        const want = fixed[at];
        if (want === "open") return true;
        if (want === undefined) return false; // the pattern ends above this directory: whether it matched there was asked there
        if (want !== "any" && want.name !== part) return false;
      }
      return fixed.length > parts.length;
    },
  };
}

function chooseMatcher(text: string, tokens: readonly GlobToken[]): (path: string) => boolean {
  const plain = (from: number, to: number) =>
    tokens.slice(from, to).every((token) => token.type === "text") && !text.includes("\\");
  if (plain(0, tokens.length)) return (path) => path === text;
  const first = tokens[0];
  if (first?.type === "directories" && plain(1, tokens.length)) {
    // "**x" ends in x, wherever that starts; "**/x" is x in any directory
    const suffix = text.slice(2);
    return suffix.startsWith("/")
      ? (path) => path.endsWith(suffix) || path === suffix.slice(1)
      : (path) => path.endsWith(suffix);
  }
  if (tokens.at(-1)?.type === "rest" && plain(0, tokens.length - 1)) {
    const prefix = text.slice(0, -2);
    return (path) => path.startsWith(prefix);
  }
  return compileGlob(tokens);
}

/** What each directory level must look like; `open` ends the list: from there on anything may match. */
function fixedDirectories(text: string): readonly ({ readonly name: string } | "any" | "open")[] {
  const levels: ({ name: string } | "any" | "open")[] = [];
  for (const part of text.split("/")) {
    if (part.includes("**") || part.includes("[") || part.includes("\\")) return [...levels, "open"];
    levels.push(/[*?]/.test(part) ? "any" : { name: part });
  }
  return levels;
}
