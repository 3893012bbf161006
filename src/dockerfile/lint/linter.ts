import type { SourceRange } from "../../base/errors/mod.ts";
import { hasRule, joinRules, type LintOptions, parseLintOptions } from "./lint-options.ts";
import { type LintRule, type LintRuleName, lintRules, ruleAddress } from "./rules.ts";

/** Something that a rule does not like. */
export interface LintFinding {
  readonly rule: LintRuleName;
  readonly description: string;
  /** Where the rule is explained; may be empty. */
  readonly url: string;
  readonly message: string;
  readonly range: SourceRange;
}

/** Beyond this many, nobody reads on: the rest is dropped. */
const maxFindings = 10_000;

/** Collects findings, as far as they are wanted. */
export class Linter {
  readonly #options: LintOptions;
  readonly #findings: LintFinding[] = [];

  constructor(options: LintOptions) {
    this.#options = options;
  }

  /** In the order in which they were made. */
  get findings(): readonly LintFinding[] {
    return this.#findings;
  }

  /**
   * Notes a finding.
   * @param comments above the instruction: one of them may switch rules off or on
   */
  report(name: LintRuleName, range: SourceRange, message: string, comments: readonly string[] = []): void {
    const rule: LintRule = lintRules[name];
    const { skip, experimental } = withComments(this.#options, comments);
    if (rule.experimental ? !hasRule(experimental, name) : hasRule(skip, name)) return;
    if (this.full) return;
    this.#findings.push({ rule: name, description: rule.description, url: ruleAddress(name), message, range });
  }

  /** Nothing more is noted: looking for more is of no use. */
  get full(): boolean {
    return this.#findings.length >= maxFindings;
  }

  /** What `error=true` makes of the findings: the words that end the build. `undefined`: it goes on. */
  get violation(): string | undefined {
    if (!this.#options.error || this.#findings.length === 0) return undefined;
    const rules = new Set(this.findings.map(({ rule }) => rule));
    return `lint violation found for rules: ${[...rules].join(", ")}`;
  }
}

/** The options for one instruction. A comment that cannot be read changes nothing. */
function withComments(options: LintOptions, comments: readonly string[]): LintOptions {
  for (const comment of comments) {
    const value = /^\s*check\s*=\s*(\S+)/i.exec(comment)?.[1];
    if (value === undefined) continue;
    try {
      const own = parseLintOptions(value);
      return {
        ...options,
        skip: joinRules(options.skip, own.skip),
        experimental: joinRules(options.experimental, own.experimental),
      };
    } catch {
      return options;
    }
  }
  return options;
}

/** A finding in one line: `Rule: message (line N)`. */
export function formatFinding({ rule, message, range }: LintFinding): string {
  const { line } = range.start;
  return line > 0 ? `${rule}: ${message} (line ${line})` : `${rule}: ${message}`;
}
