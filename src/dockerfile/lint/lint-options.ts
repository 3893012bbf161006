import { goQuote, parseGoBool } from "../../base/text/go-values/mod.ts";

/** Rules by name, or all of them. */
export type RuleSet = "all" | ReadonlySet<string>;

/** What a `check` directive asks for. */
export interface LintOptions {
  readonly skip: RuleSet;
  readonly experimental: RuleSet;
  /** A finding fails the build. */
  readonly error: boolean;
}

/** Nothing is skipped, nothing experimental is looked for. */
export const noLintOptions: LintOptions = { skip: new Set(), experimental: new Set(), error: false };

/**
 * Reads `skip=A,B;error=true;experimental=all`.
 * @throws {Error} `invalid check option "x"`
 */
export function parseLintOptions(text: string): LintOptions {
  if (text.trim() === "") return noLintOptions;
  const found = { ...noLintOptions };
  const [first = "", second, ...rest] = text.trim().split(";");
  // Behind the second semicolon all is one part.
  const parts = [first, second, rest.length === 0 ? undefined : rest.join(";")].filter((part) => part !== undefined);
  for (const part of parts) {
    const at = part.indexOf("=");
    if (at < 0) throw new Error(`invalid check option ${goQuote(part)}`);
    const name = part.slice(0, at).trim();
    const value = part.slice(at + 1).trim();
    if (name === "skip" || name === "experimental") {
      found[name] = value === "all" ? "all" : new Set(value.split(",").map((rule) => rule.trim()));
    } else if (name === "error") {
      const error = parseGoBool(value);
      if (error === undefined) {
        throw new Error(
          `failed to parse check option ${goQuote(part)}: strconv.ParseBool: parsing ${goQuote(value)}: invalid syntax`,
        );
      }
      found.error = error;
    } else {
      throw new Error(`invalid check option ${goQuote(name)}`);
    }
  }
  return found;
}

/** Both at once. */
export function joinRules(a: RuleSet, b: RuleSet): RuleSet {
  return a === "all" || b === "all" ? "all" : new Set([...a, ...b]);
}

/** Whether `rules` has this one. */
export function hasRule(rules: RuleSet, name: string): boolean {
  return rules === "all" || rules.has(name);
}
