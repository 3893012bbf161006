/** Work allowed for matching one pattern: keeps patterns made to explode from holding the engine. */
const maxSteps = 2_000_000;

type PatternToken =
  | { readonly type: "char"; readonly char: string }
  | { readonly type: "one" }
  | { readonly type: "any" };

/**
 * A pattern of `${name#pattern}` and its like: `*` any text, `?` one character, `\` before `*`, `?`, `\` makes them plain; brackets
 * mean nothing. `*` and `?` stop at line breaks.
 */
export class ShellPattern {
  readonly #tokens: readonly PatternToken[];
  #steps = 0;

  /** @throws {Error} `invalid escape '\x'` */
  constructor(pattern: string) {
    const tokens: PatternToken[] = [];
    const chars = Array.from(pattern);
    for (let at = 0; at < chars.length; at++) {
      const char = chars[at] as string;
      if (char === "*") tokens.push({ type: "any" });
      else if (char === "?") tokens.push({ type: "one" });
      else if (char !== "\\") tokens.push({ type: "char", char });
      else {
        const escaped = chars[++at] ?? "";
        // "}" and "/" must be escaped inside ${}, so their escape is no part of the pattern.
        if (!["*", "?", "\\", "}", "/"].includes(escaped)) throw new Error(`invalid escape '\\${escaped}'`);
        tokens.push({ type: "char", char: escaped });
      }
    }
    this.#tokens = tokens;
  }

  /** `value` without the shortest or longest start that matches. */
  trimStart(value: string, which: "shortest" | "longest"): string {
    const chars = Array.from(value);
    return chars.slice(this.#match(this.#tokens, chars, 0, which) ?? 0).join("");
  }

  /** `value` without the shortest or longest end that matches. */
  trimEnd(value: string, which: "shortest" | "longest"): string {
    const reversed = Array.from(value).reverse();
    const cut = this.#match([...this.#tokens].reverse(), reversed, 0, which) ?? 0;
    return reversed.slice(cut).reverse().join("");
  }

  /** `value` with the first match, or all of them, replaced. Matches are the longest at the leftmost place. */
  replace(value: string, replacement: string, which: "first" | "all"): string {
    const chars = Array.from(value);
    const out: string[] = [];
    let at = 0;
    let afterMatch = -1;
    while (at <= chars.length) {
      const end = this.#match(this.#tokens, chars, at, "longest");
      if (end !== undefined && (end > at || at !== afterMatch)) {
        out.push(replacement);
        if (which === "first") return out.join("") + chars.slice(end).join("");
        afterMatch = end;
        if (end > at) {
          at = end;
          continue;
        }
      }
      out.push(chars[at] ?? "");
      at++;
    }
    return out.join("");
  }

  /** Where a match that starts at `from` ends. All ways through the pattern are followed side by side. */
  #match(
    tokens: readonly PatternToken[],
    chars: readonly string[],
    from: number,
    which: "shortest" | "longest",
  ): number | undefined {
    let states = closure(tokens, [0]);
    let best: number | undefined;
    for (let at = from; ; at++) {
      if (states.has(tokens.length)) {
        best = at;
        if (which === "shortest") return best;
      }
      const char = chars[at];
      if (char === undefined || states.size === 0) return best;
      this.#steps += states.size;
      if (this.#steps > maxSteps) throw new Error("pattern takes too long to match");
      const next: number[] = [];
      for (const state of states) {
        const token = tokens[state];
        if (token === undefined) continue;
        if (token.type === "char" ? token.char === char : char !== "\n")
          next.push(token.type === "any" ? state : state + 1);
      }
      states = closure(tokens, next);
    }
  }
}

/** The states reachable without taking a character: `any` may take none. */
function closure(tokens: readonly PatternToken[], states: readonly number[]): Set<number> {
  const all = new Set<number>();
  for (let state of states) {
    while (!all.has(state)) {
      all.add(state);
      if (tokens[state]?.type !== "any") break;
      state++;
    }
  }
  return all;
}
