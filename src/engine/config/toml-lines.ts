/** Tells where a key stands: its line, or that of the nearest table around it. */
export type KeyLines = (path: readonly string[]) => number;

/**
 * Finds the line of every key of a TOML document. The document must have been parsed before: of a wrong one the answers mean nothing.
 * Elements of arrays of tables are counted in paths: `[[a.b]]` is `a.b.0`. Keys of inline tables stand where those begin.
 */
export function keyLines(text: string): KeyLines {
  const lines = new Map<string, number>();
  const arrays = new Map<string, number>();
  const scanner = new Scanner(text);
  let table: string[] = [];
  for (let line = scanner.nextStatement(); line !== undefined; line = scanner.nextStatement()) {
    const brackets = scanner.brackets();
    const key = scanner.dottedKey();
    let path = brackets === 0 ? table : [];
    for (const [at, name] of key.entries()) {
      path = [...path, name];
      const isLast = at === key.length - 1;
      if (brackets === 2 && isLast) arrays.set(idOf(path), (arrays.get(idOf(path)) ?? -1) + 1);
      const element = arrays.get(idOf(path));
      if (element !== undefined) path = [...path, String(element)];
      if (!lines.has(idOf(path))) lines.set(idOf(path), line);
    }
    if (brackets > 0) table = path;
    scanner.skipRest();
  }
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const line = lines.get(idOf(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return 1;
  };
}

const idOf = (path: readonly string[]): string => JSON.stringify(path);

/** Strings (multi-line ones first), comments, brackets, and everything else one character at a time. */
const token = /"""(?:[^\\]|\\[^])*?"{3,5}|'''[^]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[^]/y;

class Scanner {
  readonly #text: string;
  #at = 0;
  #line = 1;
  constructor(text: string) {
    this.#text = text;
  }
  /** Goes to the next header or `key = value`. @returns its line, or `undefined` at the end */
  nextStatement(): number | undefined {
    for (let part = this.#peek(); part !== ""; part = this.#peek()) {
      if (!/^[\s#\uFEFF]/.test(part)) return this.#line;
      this.#take(part);
    }
    return undefined;
  }
  /** How many brackets open a header; 0: it is none. */
  brackets(): number {
    let count = 0;
    for (let part = this.#peek(); part === "[" || /^[ \t]$/.test(part); part = this.#peek()) {
      if (part === "[") count++;
      this.#take(part);
    }
    return count;
  }
  dottedKey(): string[] {
    const names: string[] = [];
    let bare = "";
    for (let part = this.#peek(); part !== "" && part !== "=" && part !== "]"; part = this.#peek()) {
      if (part === ".") {
        if (bare !== "") names.push(bare);
        bare = "";
      } else if (part.startsWith('"') || part.startsWith("'")) names.push(unquoted(part));
      else bare += part.trim();
      this.#take(part);
    }
    return bare === "" ? names : [...names, bare];
  }
  /** Goes behind the value, which may be an array of many lines. */
  skipRest(): void {
    let depth = this.#peek() === "]" ? Number.NEGATIVE_INFINITY : 0; // what closes a header opens nothing
    for (let part = this.#peek(); part !== ""; part = this.#peek()) {
      if (part === "[" || part === "{") depth++;
      if (part === "]" || part === "}") depth--;
      this.#take(part);
      if (part === "\n" && depth <= 0) return;
    }
  }
  #peek(): string {
    token.lastIndex = this.#at;
    return token.exec(this.#text)?.[0] ?? "";
  }
  #take(part: string): void {
    this.#at += part.length;
    this.#line += part.split("\n").length - 1;
  }
}

function unquoted(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1);
  return text
    .slice(1, -1)
    .replace(/\\(?:u([\da-f]{4})|U([\da-f]{8})|(.))/gi, (_, short?: string, long?: string, letter = "") => {
      const code = short ?? long;
      if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
      return { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r", e: "\u001b" }[letter as string] ?? letter;
    });
}
