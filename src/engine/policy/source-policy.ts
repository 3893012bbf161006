import { create } from "../../base/protobuf/mod.ts";
import { pb, sourcepolicy } from "../../api/mod.ts";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { formatReference, parseReference, withDefaultTag } from "../../oci/mod.ts";
import { expression, type Pattern, wildcard } from "./pattern.ts";

const { PolicyAction, MatchType, AttrMatch } = sourcepolicy;

/** So often one source is rewritten at most. */
const maxRewrites = 20;

/** Says which sources a build may use, and which it uses in their place. */
export interface SourcePolicy {
  /**
   * The source to use instead of `op`; often the same.
   * @throws {BuildError} `permission_denied`: `source "<id>" denied by policy: source denied by policy`
   */
  apply(op: pb.SourceOp): pb.SourceOp;
}

/**
 * Binds rules together: of each policy the last rule counts that allows or denies; one that converts has all begin anew.
 * @throws {BuildError} `invalid_argument` for rules that make no sense
 */
export function sourcePolicy(policies: readonly sourcepolicy.Policy[]): SourcePolicy {
  const all = policies.map(({ rules }) => rules.map((rule) => new Rule(rule)));
  if (all.every((rules) => rules.length === 0)) return { apply: (op) => op };
  return {
    apply(op) {
      let current = create(pb.SourceOpSchema, {
        identifier: normalizedIdentifier(op.identifier),
        attrs: { ...op.attrs },
      });
      for (let rewrites = 0; ; rewrites++) {
        if (rewrites > maxRewrites) {
          throw new BuildError("invalid_argument", "too many mutations on a single source: too many operations");
        }
        const next = evaluate(all, current);
        if (!next) return rewrites === 0 ? op : current;
        current = next;
      }
    },
  };
}

/** @returns the rewritten source; `undefined`: it is allowed as it is */
function evaluate(policies: readonly (readonly Rule[])[], op: pb.SourceOp): pb.SourceOp | undefined {
  for (const rules of policies) {
    let isDenied = false;
    for (const rule of rules) {
      if (!rule.applies(op)) continue;
      if (rule.action === PolicyAction.CONVERT) {
        const next = rule.convert(op);
        if (next) return next;
      } else {
        isDenied = rule.action === PolicyAction.DENY;
      }
    }
    if (isDenied) {
      const id = JSON.stringify(op.identifier);
      throw new BuildError("permission_denied", `source ${id} denied by policy: source denied by policy`);
    }
  }
  return undefined;
}

class Rule {
  readonly action: sourcepolicy.Rule["action"];
  readonly #identifier: string;
  /** Nothing but the identifier itself is meant. */
  readonly #isExact: boolean;
  readonly #pattern: Pattern | undefined;
  readonly #constraints: readonly ((attrs: Readonly<Record<string, string>>) => boolean)[];
  readonly #updates: sourcepolicy.Update | undefined;

  constructor({ action, selector, updates }: sourcepolicy.Rule) {
    if (!selector) throw new BuildError("invalid_argument", "source policy: a rule without a selector");
    const { identifier, matchType, constraints } = selector;
    if (action !== PolicyAction.ALLOW && action !== PolicyAction.DENY && action !== PolicyAction.CONVERT) {
      throw new BuildError("invalid_argument", `source policy: rule ${action} ${identifier}: unknown type`);
    }
    if (action === PolicyAction.CONVERT && !updates) {
      throw new BuildError("invalid_argument", "error mutating source policy: missing destination for convert rule");
    }
    this.action = action;
    this.#identifier = identifier;
    this.#isExact = matchType === MatchType.EXACT;
    this.#pattern = patternOf(matchType, identifier);
    this.#constraints = constraints.map(constraintOf);
    this.#updates = updates;
  }

  applies({ identifier, attrs }: pb.SourceOp): boolean {
    if (!this.#constraints.every((holds) => holds(attrs))) return false;
    return identifier === this.#identifier || this.#pattern?.match(identifier) !== undefined;
  }

  /** @returns `undefined` when nothing changes */
  convert(op: pb.SourceOp): pb.SourceOp | undefined {
    const { identifier: wanted = "", attrs = {} } = this.#updates ?? {};
    const identifier = this.#format(op.identifier, wanted || this.#identifier) || op.identifier;
    const isSame =
      identifier === op.identifier && Object.entries(attrs).every(([key, value]) => op.attrs[key] === value);
    return isSame ? undefined : create(pb.SourceOpSchema, { identifier, attrs: { ...op.attrs, ...attrs } });
  }

  #format(identifier: string, format: string): string {
    if (this.#isExact || !this.#pattern) return format;
    return this.#pattern.match(identifier)?.replaced(format) ?? identifier;
  }
}

function patternOf(matchType: sourcepolicy.Selector["matchType"], identifier: string): Pattern | undefined {
  switch (matchType) {
    case MatchType.EXACT:
      return undefined;
    case MatchType.REGEX:
      return expression(identifier);
    case MatchType.WILDCARD:
      return wildcard(identifier);
    default:
      throw new BuildError("invalid_argument", `unknown match type: ${matchType}`);
  }
}

function constraintOf({ key, value, condition }: sourcepolicy.AttrConstraint) {
  switch (condition) {
    case AttrMatch.EQUAL:
      return (attrs: Readonly<Record<string, string>>) => (attrs[key] ?? "") === value;
    case AttrMatch.NOTEQUAL:
      return (attrs: Readonly<Record<string, string>>) => (attrs[key] ?? "") !== value;
    case AttrMatch.MATCHES: {
      const pattern = expression(value);
      return (attrs: Readonly<Record<string, string>>) => pattern.match(attrs[key] ?? "") !== undefined;
    }
    default:
      throw new BuildError("invalid_argument", `unknown attr condition: ${condition}`);
  }
}

/** An identifier as rules see it: image names are spelled out before they are compared. @throws {BuildError} `invalid_argument` */
export function normalizedIdentifier(identifier: string): string {
  const [, name] = /^docker-image:\/\/(.*)$/.exec(identifier) ?? [];
  if (name === undefined) return identifier;
  try {
    return `docker-image://${formatReference(withDefaultTag(parseReference(name)))}`;
  } catch (error) {
    throw new BuildError("invalid_argument", `invalid source ${identifier}: ${messageOf(error)}`, { cause: error });
  }
}
