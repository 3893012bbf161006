import { BuildError } from "../../errors/mod.ts";

/** One element of a pattern; `text` elements match themselves. */
export type GlobToken =
  | { readonly type: "text"; readonly char: string }
  /** One character other than `/`. */
  | { readonly type: "one" }
  /** Any number of characters other than `/`. */
  | { readonly type: "star" }
  /** Nothing, or any directories with their final slash. */
  | { readonly type: "directories" }
  /** Anything at all. */
  | { readonly type: "rest" }
  | { readonly type: "class"; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] };

const badPattern = (pattern: string) =>
  new BuildError("invalid_argument", `syntax error in pattern: ${JSON.stringify(pattern)}`);

/**
 * Reads a cleaned pattern.
 * @throws {BuildError} `invalid_argument` for an unfinished class or escape
 */
export function parseGlob(pattern: string): readonly GlobToken[] {
  const chars = Array.from(pattern);
  const tokens: GlobToken[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] as string;
    if (char === "*" && chars[at + 1] === "*") {
      at++;
      if (chars[at + 1] === "/") at++;
      tokens.push({ type: at + 1 === chars.length ? "rest" : "directories" });
    } else if (char === "*") {
      tokens.push({ type: "star" });
    } else if (char === "?") {
      tokens.push({ type: "one" });
    } else if (char === "[") {
      const { token, end } = parseClass(chars, at + 1, pattern);
      tokens.push(token);
      at = end;
    } else if (char === "\\") {
      const escaped = chars[++at];
      if (escaped === undefined) throw badPattern(pattern);
      tokens.push(escapedToken(escaped, pattern));
    } else {
      tokens.push({ type: "text", char });
    }
  }
  return tokens;
}

const digits: readonly [number, number][] = [[0x30, 0x39]];
const letters: readonly [number, number][] = [...digits, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const blanks: readonly [number, number][] = [
  [0x09, 0x0a],
  [0x0c, 0x0d],
  [0x20, 0x20],
];

/** What moby's patterns, which end up as regular expressions of Go's, make of a backslash in front of a letter. */
const escapedLetters: Readonly<Record<string, GlobToken>> = {
  a: { type: "text", char: "\x07" },
  f: { type: "text", char: "\f" },
  t: { type: "text", char: "\t" },
  n: { type: "text", char: "\n" },
  r: { type: "text", char: "\r" },
  v: { type: "text", char: "\v" },
  d: { type: "class", negated: false, ranges: digits },
  D: { type: "class", negated: true, ranges: digits },
  w: { type: "class", negated: false, ranges: letters },
  W: { type: "class", negated: true, ranges: letters },
  s: { type: "class", negated: false, ranges: blanks },
  S: { type: "class", negated: true, ranges: blanks },
};

/** Boundaries and the like: no path has them where people write `dir\build`. */
const neverMatching = new Set("ABCEPQbpxz0123456789");

function escapedToken(char: string, pattern: string): GlobToken {
  if (/^[\x00-\x7f]$/.test(char) && !/[A-Za-z0-9]/.test(char)) return { type: "text", char };
  if (Object.hasOwn(escapedLetters, char)) return escapedLetters[char] as GlobToken;
  if (neverMatching.has(char)) return { type: "class", negated: false, ranges: [] };
  throw badPattern(pattern);
}

/** Reads a class whose `[` is before `start`; `end` is the place of its `]`. */
function parseClass(chars: readonly string[], start: number, pattern: string): { token: GlobToken; end: number } {
  let at = start;
  const negated = chars[at] === "^";
  if (negated) at++;
  const ranges: [number, number][] = [];
  const bound = (): number => {
    let char = chars[at];
    if (char === undefined || char === "-" || char === "]") throw badPattern(pattern);
    if (char === "\\") char = chars[++at];
    if (char === undefined) throw badPattern(pattern);
    at++;
    return char.codePointAt(0) as number;
  };
  while (ranges.length === 0 || chars[at] !== "]") {
    const low = bound();
    if (chars[at] !== "-") {
      ranges.push([low, low]);
      continue;
    }
    at++;
    const high = bound();
    if (high < low) throw badPattern(pattern);
    ranges.push([low, high]);
  }
  return { token: { type: "class", negated, ranges }, end: at };
}

/** Tokens with unbounded reach; more of them make a backtracking matcher polynomially slower. */
const isUnbounded = (token: GlobToken) =>
  token.type === "star" || token.type === "directories" || token.type === "rest";

/** A predicate for whole paths. Linear in the path's length per token, whatever the pattern says. */
export function compileGlob(tokens: readonly GlobToken[]): (path: string) => boolean {
  if (tokens.filter(isUnbounded).length <= 2) {
    const expression = new RegExp(`^${tokens.map(toRegExp).join("")}$`, "su");
    return (path) => expression.test(path);
  }
  return (path) => simulate(tokens, path);
}

function toRegExp(token: GlobToken): string {
  switch (token.type) {
    case "text":
      return hex(token.char.codePointAt(0) as number);
    case "one":
      return "[^/]";
    case "star":
      return "[^/]*";
    case "directories":
      return "(?:.*/)?";
    case "rest":
      return ".*";
    case "class": {
      const ranges = token.ranges.map(([low, high]) => `${hex(low)}-${hex(high)}`);
      return `[${token.negated ? "^" : ""}${ranges.join("")}]`;
    }
  }
}

const hex = (codePoint: number) => `\\u{${codePoint.toString(16)}}`;

/** Runs all ways through the pattern side by side: one bit per token that may come next. */
function simulate(tokens: readonly GlobToken[], path: string): boolean {
  let states = new Uint8Array(tokens.length + 1);
  // `directories` may be left only after a slash; inDirectories marks those that have taken something.
  const enter = (into: Uint8Array, at: number) => {
    for (let next = at; into[next] === 0; next++) {
      into[next] = 1;
      const token = tokens[next];
      if (token === undefined || !isUnbounded(token)) return;
    }
  };
  let inside = new Uint8Array(tokens.length + 1);
  enter(states, 0);
  for (const char of path) {
    const next = new Uint8Array(tokens.length + 1);
    const nextInside = new Uint8Array(tokens.length + 1);
    const code = char.codePointAt(0) as number;
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at] as GlobToken;
      if (states[at] === 0 && inside[at] === 0) continue;
      switch (token.type) {
        case "text":
          if (token.char === char) enter(next, at + 1);
          break;
        case "one":
          if (char !== "/") enter(next, at + 1);
          break;
        case "class":
          if (token.ranges.some(([low, high]) => low <= code && code <= high) !== token.negated) enter(next, at + 1);
          break;
        case "star":
          if (char !== "/") enter(next, at);
          break;
        case "rest":
          enter(next, at);
          break;
        case "directories":
          nextInside[at] = 1;
          if (char === "/") enter(next, at + 1);
          break;
      }
    }
    states = next;
    inside = nextInside;
  }
  return states[tokens.length] === 1;
}
