import { createContext, runInContext } from "node:vm";
import { BuildError, messageOf } from "../../base/errors/mod.ts";

/** Longest time that one expression may take on one text: expressions come from outside. */
const limitMs = 250;

/** A text that matched, and what its parts were. */
export interface Match {
  /** The text with what matched replaced by `format`, in which `$1`, `${1}` and `${name}` stand for parts, and `$$` for a dollar. */
  replaced(format: string): string;
}

/** A pattern: a text with `*` for anything, or an expression as Go knows them. */
export interface Pattern {
  /** @throws {BuildError} `deadline_exceeded` when the expression takes too long */
  match(text: string): Match | undefined;
}

/** @throws {BuildError} `invalid_argument` for two stars in a row */
export function wildcard(text: string): Pattern {
  if (text.includes("**")) {
    throw new BuildError(
      "invalid_argument",
      `failed to translate wildcard ${JSON.stringify(text)} to regexp: invalid wildcard: "**"`,
    );
  }
  const parts = text.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\/-]/g, "\\$&"));
  return new Expression(new RegExp(`^${parts.join("(.*)")}$`, "s"));
}

/**
 * An expression in Go's syntax, as far as JavaScript's has the same.
 * @throws {BuildError} `invalid_argument` when it is none
 */
export function expression(text: string): Pattern {
  const [, flags = "", rest = text] = /^\(\?([ims]+)\)(.*)$/s.exec(text) ?? [];
  const source = rest.replaceAll("(?P<", "(?<").replaceAll("\\A", "^").replaceAll("\\z", "$");
  try {
    return new Expression(new RegExp(source, flags));
  } catch (cause) {
    const message = `invalid regex ${JSON.stringify(text)}: ${messageOf(cause)}`;
    throw new BuildError("invalid_argument", message, { cause });
  }
}

class Expression implements Pattern {
  readonly #expression: RegExp;

  constructor(regExp: RegExp) {
    this.#expression = regExp;
  }

  match(text: string): Match | undefined {
    const found = this.#exec(text);
    if (!found) return undefined;
    return {
      replaced: (format) =>
        text.slice(0, found.index) + expand(format, found) + text.slice(found.index + found[0].length),
    };
  }

  /** As `RegExp.exec`, but not for ever. */
  #exec(text: string): RegExpExecArray | null {
    const context = createContext({ expression: this.#expression, text });
    try {
      return runInContext("expression.exec(text)", context, { timeout: limitMs }) as RegExpExecArray | null;
    } catch (cause) {
      const message = `regex ${JSON.stringify(this.#expression.source)} takes too long: ${messageOf(cause)}`;
      throw new BuildError("deadline_exceeded", message, { cause });
    }
  }
}

function expand(format: string, found: RegExpExecArray): string {
  return format.replaceAll(/\$(?:\$|\{(\w+)\}|(\w+))/g, (all, braced?: string, bare?: string) => {
    const name = braced ?? bare;
    if (name === undefined) return all === "$$" ? "$" : all;
    return (/^\d+$/.test(name) ? found[Number(name)] : found.groups?.[name]) ?? "";
  });
}
