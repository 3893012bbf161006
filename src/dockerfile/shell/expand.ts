import { goQuote } from "../../base/text/go-values/mod.ts";
import { emptyEnvironment, type Environment } from "./environment.ts";
import { ShellPattern } from "./pattern.ts";
import { WordCollector } from "./word-collector.ts";

/** How {@link expand} treats what it meets. */
export interface ExpandOptions {
  readonly environment?: Environment;
  /** Escape character; `\` unless the file says otherwise. */
  readonly escape?: "\\" | "`";
  /** Quotes stay in the result. */
  readonly rawQuotes?: boolean;
  /** Escape characters stay in the result. */
  readonly rawEscapes?: boolean;
  /** Quotes are characters like any other. */
  readonly ignoreQuotes?: boolean;
  /** What names an unset variable stays as it is. */
  readonly keepUnset?: boolean;
  /** What variables may add at most, in characters: ones that double each other would fill the memory in a few lines. */
  readonly maxLength?: number;
}

/** What became of a text. */
export interface Expansion {
  readonly text: string;
  /** The same, cut at blanks that were not quoted. */
  readonly words: readonly string[];
  /** Variables that were looked at and set. */
  readonly matched: ReadonlySet<string>;
  /** Variables that were looked at and not set. */
  readonly unmatched: ReadonlySet<string>;
}

/** A text that cannot be expanded. */
export class ExpansionError extends Error {
  /** Variables that were looked at before that, and not set. */
  readonly unmatched: ReadonlySet<string>;
  constructor(message: string, { unmatched, cause }: { unmatched: ReadonlySet<string>; cause: unknown }) {
    super(message, { cause });
    this.unmatched = unmatched;
  }
}

/** `${a:-${b:-…}}` deeper than this is refused. */
const maxDepth = 100;
/** Linux gives processes no longer variables. */
const defaultMaxLength = 128 * 1024;

/**
 * Expands variables and takes quotes and escapes away, as a POSIX shell does with one word.
 * @throws {ExpansionError} `failed to process "…": …` with BuildKit's words for what is wrong
 */
export function expand(source: string, options: ExpandOptions = {}): Expansion {
  const matched = new Set<string>();
  const unmatched = new Set<string>();
  try {
    const { text, words } = new Expander(source, options, matched, unmatched).until(
      undefined,
      options.rawEscapes ?? false,
    );
    return { text, words, matched, unmatched };
  } catch (error) {
    const message = `failed to process ${goQuote(source)}: ${(error as Error).message}`;
    throw new ExpansionError(message, { cause: error, unmatched });
  }
}

/** Told apart from other errors: the text ended while something was still open. */
class UnexpectedEnd extends Error {}

class Expander {
  readonly #chars: readonly string[];
  readonly #options: ExpandOptions;
  readonly #environment: Environment;
  readonly #escape: string;
  readonly #matched: Set<string>;
  readonly #unmatched: Set<string>;
  #at = 0;
  #depth = 0;
  #rawEscapes = false;
  #produced = 0;

  constructor(source: string, options: ExpandOptions, matched: Set<string>, unmatched: Set<string>) {
    this.#chars = Array.from(source.startsWith("\ufeff") ? source.slice(1) : source); // as Go's scanner does
    this.#options = options;
    this.#environment = options.environment ?? emptyEnvironment;
    this.#escape = options.escape ?? "\\";
    this.#matched = matched;
    this.#unmatched = unmatched;
  }

  /** Reads up to `stop` (taken, not returned) or, without one, to the end. */
  until(stop: string | undefined, rawEscapes: boolean): { text: string; words: readonly string[] } {
    if (++this.#depth > maxDepth) throw new Error("syntax error: substitutions are nested too deeply");
    const outerRawEscapes = this.#rawEscapes;
    this.#rawEscapes = rawEscapes;
    let text = "";
    const words = new WordCollector();
    let closed = stop === undefined;
    while (this.#at < this.#chars.length) {
      const char = this.#chars[this.#at] as string;
      if (char === stop) {
        this.#at++;
        closed = true;
        break;
      }
      if (char === "$") {
        const value = this.#bounded(this.#dollar());
        text += value;
        words.add(value);
      } else if (char === "<") {
        const said = this.#heredocMark();
        text += said;
        words.addQuoted(said);
      } else if ((char === "'" || char === '"') && !this.#options.ignoreQuotes) {
        const said = char === "'" ? this.#singleQuoted() : this.#doubleQuoted();
        text += said;
        words.addQuoted(said);
      } else if (char === this.#escape) {
        this.#at++;
        const escaped = this.#chars[this.#at++] ?? "";
        const said = this.#rawEscapes ? char + escaped : escaped;
        text += said;
        words.addQuoted(said);
      } else {
        this.#at++;
        text += char;
        words.add(char);
      }
    }
    this.#rawEscapes = outerRawEscapes;
    this.#depth--;
    if (!closed) throw new UnexpectedEnd(`unexpected end of statement while looking for matching ${stop}`);
    return { text, words: words.finish() };
  }

  #bounded(text: string): string {
    this.#produced += text.length;
    const limit = this.#options.maxLength ?? defaultMaxLength;
    if (this.#produced > limit) throw new Error(`expansion is longer than ${limit} characters`);
    return text;
  }

  #singleQuoted(): string {
    const start = this.#at++;
    while (this.#chars[this.#at] !== "'") {
      if (this.#at >= this.#chars.length) {
        throw new UnexpectedEnd("unexpected end of statement while looking for matching single-quote");
      }
      this.#at++;
    }
    this.#at++;
    const quoted = this.#chars.slice(start, this.#at).join("");
    return this.#options.rawQuotes ? quoted : quoted.slice(1, -1);
  }

  #doubleQuoted(): string {
    this.#at++;
    const quote = this.#options.rawQuotes ? '"' : "";
    let text = quote;
    for (;;) {
      const char = this.#chars[this.#at];
      if (char === undefined) {
        throw new UnexpectedEnd("unexpected end of statement while looking for matching double-quote");
      }
      if (char === "$") {
        text += this.#bounded(this.#dollar());
        continue;
      }
      this.#at++;
      if (char === '"') return text + quote;
      if (char !== this.#escape) {
        text += char;
        continue;
      }
      if (this.#rawEscapes) text += char;
      const next = this.#chars[this.#at];
      if (next === undefined) continue;
      // Only these can be escaped here; before anything else the escape character stands for itself.
      if (next === '"' || next === "$" || next === this.#escape) {
        text += next;
        this.#at++;
      } else {
        text += char;
      }
    }
  }

  /** `<<` and the blanks behind it belong to the word that they start, so that `<< EOF` is one. */
  #heredocMark(): string {
    this.#at++;
    if (this.#chars[this.#at] !== "<") return "<";
    this.#at++;
    let blanks = "";
    while (/^[\t\r ]$/.test(this.#chars[this.#at] ?? "")) blanks += this.#chars[this.#at++];
    return `<<${blanks}`;
  }

  #dollar(): string {
    this.#at++;
    if (this.#chars[this.#at] !== "{") {
      const name = this.#name();
      if (name === "") return "$";
      const value = this.#lookUp(name);
      return value ?? (this.#options.keepUnset ? `$${name}` : "");
    }
    this.#at++;
    const first = this.#chars[this.#at];
    if (first === undefined) throw new Error("syntax error: missing '}'");
    if (first === "{" || first === "}" || first === ":") throw new Error("syntax error: bad substitution");
    const name = this.#name();
    const operator = this.#chars[this.#at++] ?? "";
    switch (operator) {
      case "}":
        return this.#lookUp(name) ?? (this.#options.keepUnset ? `\${${name}}` : "");
      case "-":
      case "+":
      case "?":
        return this.#conditional(name, operator, false);
      case ":": {
        const behind = this.#chars[this.#at++] ?? "";
        if (behind !== "-" && behind !== "+" && behind !== "?") {
          if (behind !== "#" && behind !== "%") this.#word("}", false); // which must end, first of all
          throw new Error(`unsupported modifier (:${behind}) in substitution`);
        }
        return this.#conditional(name, behind, true);
      }
      case "#":
      case "%":
        return this.#trimmed(name, operator);
      case "/":
        return this.#replaced(name);
      case "":
        throw new Error("syntax error: missing '}'");
      default:
        throw new Error(`unsupported modifier (${operator}) in substitution`);
    }
  }

  #conditional(name: string, operator: "-" | "+" | "?", emptyIsUnset: boolean): string {
    const word = this.#word("}", false);
    const value = this.#lookUp(name);
    if (value === undefined && this.#options.keepUnset)
      return `\${${name}${emptyIsUnset ? ":" : ""}${operator}${word}}`;
    const missing = value === undefined || (emptyIsUnset && value === "");
    switch (operator) {
      case "-":
        return missing ? word : value;
      case "+":
        return missing ? "" : word;
      case "?":
        if (!missing) return value;
        throw new Error(`${name}: ${word || `is not allowed to be ${value === undefined ? "unset" : "empty"}`}`);
    }
  }

  #trimmed(name: string, operator: "#" | "%"): string {
    const word = this.#word("}", true);
    const value = this.#lookUp(name);
    if (value === undefined && this.#options.keepUnset) return `\${${name}${operator}${word}}`;
    const longest = word.startsWith(operator);
    const pattern = this.#pattern(longest ? word.slice(1) : word);
    const which = longest ? "longest" : "shortest";
    return operator === "#" ? pattern.trimStart(value ?? "", which) : pattern.trimEnd(value ?? "", which);
  }

  #replaced(name: string): string {
    const all = this.#chars[this.#at] === "/";
    if (all) this.#at++;
    const pattern = this.#word("/", true);
    const replacement = this.#word("}", true);
    const value = this.#lookUp(name);
    if (value === undefined && this.#options.keepUnset) return `\${${name}/${pattern}/${replacement}}`;
    return this.#pattern(pattern).replace(value ?? "", replacement, all ? "all" : "first");
  }

  /** The word of an operator, up to `stop`. */
  #word(stop: "}" | "/", rawEscapes: boolean): string {
    try {
      return this.until(stop, rawEscapes).text;
    } catch (error) {
      if (!(error instanceof UnexpectedEnd)) throw error;
      throw new Error(stop === "}" ? "syntax error: missing '}'" : "syntax error: missing '/' in ${}", {
        cause: error,
      });
    }
  }

  #pattern(text: string): ShellPattern {
    try {
      return new ShellPattern(text);
    } catch (error) {
      throw new Error(`invalid pattern (${text}) in substitution: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Letters, digits and `_`; or only digits; or one special character such as `@`. */
  #name(): string {
    const start = this.#at;
    const first = this.#chars[start] ?? "";
    if (/^\p{Nd}$/u.test(first)) {
      while (/^\p{Nd}$/u.test(this.#chars[this.#at] ?? "")) this.#at++;
    } else if (/^[@*#?\-$!]$/.test(first)) {
      this.#at++;
    } else {
      while (/^[\p{L}\p{Nd}_]$/u.test(this.#chars[this.#at] ?? "")) this.#at++;
    }
    return this.#chars.slice(start, this.#at).join("");
  }

  #lookUp(name: string): string | undefined {
    const value = this.#environment.get(name);
    (value === undefined ? this.#unmatched : this.#matched).add(name);
    return value;
  }
}
