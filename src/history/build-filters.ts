import { BuildError } from "../base/errors/mod.ts";
import { parseGoDuration } from "../base/text/go-values/mod.ts";

const statuses = ["completed", "error", "canceled", "running"];
const moment = (text: string) => parseGoDuration(text) !== undefined || !Number.isNaN(Date.parse(text));

/** Fields by which people choose builds: how they compare, and what they compare with. */
const fields: Readonly<
  Record<string, { readonly ordered: boolean; readonly check: (value: string) => string | undefined }>
> = {
  ref: { ordered: false, check: () => undefined },
  repository: { ordered: false, check: () => undefined },
  status: {
    ordered: false,
    check: (value) =>
      statuses.includes(value) ? undefined : `invalid status ${JSON.stringify(value)}: want ${statuses.join(", ")}`,
  },
  startedAt: { ordered: true, check: (value) => (moment(value) ? undefined : `invalid time ${JSON.stringify(value)}`) },
  completedAt: {
    ordered: true,
    check: (value) => (moment(value) ? undefined : `invalid time ${JSON.stringify(value)}`),
  },
  duration: {
    ordered: true,
    check: (value) => (parseGoDuration(value) === undefined ? `invalid duration ${JSON.stringify(value)}` : undefined),
  },
};

/**
 * Reads `--filter` values of `history ls`, all of which must hold, into the engine's language.
 * @throws {BuildError} `invalid_argument` with buildx's words
 */
export function buildFilters(texts: readonly string[]): readonly string[] {
  const conditions = texts.map((text) => {
    const [all, name = "", operator = "", value = ""] = /^\s*(\w+)\s*(!=|>=|<=|=|>|<)(.*)$/s.exec(text) ?? [];
    if (all === undefined) throw invalid(`invalid filter ${JSON.stringify(text)}: want for instance status=error`);
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field) {
      throw invalid(`unsupported filter ${JSON.stringify(name)}: want ${Object.keys(fields).join(", ")}`);
    }
    if (field.ordered !== /[<>]/.test(operator)) {
      throw invalid(`invalid separator for ${name}, expected ${field.ordered ? "<=, <, >= or >" : "= or !="}`);
    }
    const wrong = field.check(value);
    if (wrong !== undefined) throw invalid(wrong);
    return `${name}${operator === "=" ? "==" : operator}${/^[^\s,"]+$/.test(value) ? value : JSON.stringify(value)}`;
  });
  return conditions.length === 0 ? [] : [conditions.join(",")];
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
