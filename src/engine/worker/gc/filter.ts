import { BuildError } from "../../../base/errors/mod.ts";
import type { UsageRecord } from "./record.ts";

/** Says of a record whether it matches. */
export type RecordFilter = (record: UsageRecord) => boolean;

/** What a comparison sees of a record: its text, and whether it counts as being there. */
interface Field {
  readonly text: string;
  readonly isPresent: boolean;
}

const fields: Readonly<Record<string, (record: UsageRecord) => Field>> = {
  id: ({ id }) => textField(id),
  parents: ({ parents }) => textField(parents.join(";")),
  description: ({ description }) => textField(description),
  type: ({ type }) => textField(type),
  inuse: ({ isInUse }) => flag(isInUse),
  mutable: ({ isMutable }) => flag(isMutable),
  immutable: ({ isMutable }) => flag(!isMutable),
  shared: ({ isShared }) => flag(isShared),
  private: ({ isShared }) => flag(!isShared),
};

/**
 * Filters in containerd's language: each is a list of conditions with commas between, all of which must hold: `type==regular`, `id~=^a`,
 * `description!="a, b"`, or a bare name, which holds where the record has such a thing (`inuse`). `~=` takes a regular expression. Flags compare
 * with `true` and `false`, too.
 * @returns whether one of the filters matches; without filters, every record does
 * @throws {BuildError} `invalid_argument`
 */
export function parseFilters(filters: readonly string[]): RecordFilter {
  if (filters.length === 0) return () => true;
  const parsed = filters.map(parseFilter);
  return (record) => parsed.some((matches) => matches(record));
}

const condition =
  /\s*([A-Za-z_][\w.]*)\s*(?:(==|!=|~=)\s*("(?:[^"\\]|\\.)*"|\/[^/]*\/|\|[^|]*\||(?!")[^\s,]+)\s*)?(,|$)/y;

function parseFilter(filter: string): RecordFilter {
  const conditions: RecordFilter[] = [];
  if (filter.trim() === "") return () => true;
  for (let at = 0; at < filter.length; ) {
    condition.lastIndex = at;
    const match = condition.exec(filter);
    if (!match) throw invalid(filter, `cannot read ${JSON.stringify(filter.slice(at))}`);
    const [all, name = "", operator, value = "", comma] = match;
    at += all.length;
    if (comma === "," && at === filter.length) throw invalid(filter, "a condition is missing after the last comma");
    conditions.push(compare(filter, name, operator, unquoted(value)));
  }
  return (record) => conditions.every((holds) => holds(record));
}

function compare(filter: string, name: string, operator: string | undefined, value: string): RecordFilter {
  const read = Object.hasOwn(fields, name) ? fields[name] : undefined;
  // A field that nothing has: as in BuildKit, so that clients may ask what this engine knows nothing of.
  const field = (record: UsageRecord): Field => read?.(record) ?? { text: "", isPresent: false };
  switch (operator) {
    case undefined:
      return (record) => field(record).isPresent;
    case "==":
      return (record) => field(record).text === value;
    case "!=":
      return (record) => field(record).text !== value;
    default: {
      const pattern = regularExpression(filter, value);
      return (record) => pattern.test(field(record).text);
    }
  }
}

/** Go's spelling of flags for the whole expression, `(?i)`, is taken as well. */
function regularExpression(filter: string, text: string): RegExp {
  const [, flags = "", body = text] = /^\(\?([ims]+)\)(.*)$/s.exec(text) ?? [];
  try {
    return new RegExp(body, flags);
  } catch (cause) {
    throw invalid(filter, `${JSON.stringify(text)} is no regular expression`, cause);
  }
}

function unquoted(value: string): string {
  const [first] = value;
  if (value.length < 2 || (first !== '"' && first !== "/" && first !== "|") || !value.endsWith(first)) return value;
  const inner = value.slice(1, -1);
  return first === '"' ? inner.replace(/\\(.)/g, "$1") : inner;
}

function textField(text: string): Field {
  return { text, isPresent: text !== "" };
}

function flag(isPresent: boolean): Field {
  return { text: String(isPresent), isPresent };
}

function invalid(filter: string, reason: string, cause?: unknown): BuildError {
  return new BuildError("invalid_argument", `failed to parse prune filter ${JSON.stringify(filter)}: ${reason}`, {
    cause,
  });
}
