/** What a comparison sees of a record: a text, and whether it counts as being there. */
export interface FilterText {
  readonly text: string;
  readonly isPresent: boolean;
}

/** A field that has an order: a time, a duration. */
export interface FilterMeasure<T> {
  /** `undefined`: the record has none; no comparison holds. */
  readonly of: (record: T) => number | undefined;
  /** The number that a filter's text means; `undefined` when it means none. */
  readonly parse: (text: string) => number | undefined;
}

/** What can be filtered by. */
export interface FilterFields<T> {
  /** Compared by `==`, `!=` and `~=` (a regular expression), or there or not. */
  readonly texts: Readonly<Record<string, (record: T) => FilterText>>;
  /** Compared by `>`, `>=`, `<` and `<=`. */
  readonly measures?: Readonly<Record<string, FilterMeasure<T>>>;
}

/** A filter that cannot be read, and why. */
export class FilterError extends Error {
  override readonly name = "FilterError";
  readonly filter: string;
  constructor(filter: string, reason: string, options?: ErrorOptions) {
    super(`${JSON.stringify(filter)}: ${reason}`, options);
    this.filter = filter;
  }
}

/**
 * Filters in containerd's language: each is a list of conditions with commas between, all of which must hold: `type==regular`, `id~=^a`,
 * `description!="a, b"`, `labels."a.b"==c` (of which the name is `labels.a.b`), or a bare name, which holds where the record has such a thing (`inuse`). A name that no record has is empty everywhere, so
 * that clients may ask what this engine knows nothing of.
 * @returns whether one of the filters matches; without filters, every record does
 * @throws {FilterError}
 */
export function parseFilters<T>(filters: readonly string[], fields: FilterFields<T>): (record: T) => boolean {
  if (filters.length === 0) return () => true;
  const parsed = filters.map((filter) => parseFilter(filter, fields));
  return (record) => parsed.some((matches) => matches(record));
}

/** A text that is there unless it is empty. */
export function textField(text: string): FilterText {
  return { text, isPresent: text !== "" };
}

const condition =
  /\s*([A-Za-z_]\w*(?:\.(?:\w+|"(?:[^"\\]|\\.)*"))*)\s*(?:(==|!=|~=|>=|<=|>|<)\s*("(?:[^"\\]|\\.)*"|\/[^/]*\/|\|[^|]*\||(?!")[^\s,]+)\s*)?(,|$)/y;

function parseFilter<T>(filter: string, fields: FilterFields<T>): (record: T) => boolean {
  const conditions: ((record: T) => boolean)[] = [];
  if (filter.trim() === "") return () => true;
  for (let at = 0; at < filter.length; ) {
    condition.lastIndex = at;
    const match = condition.exec(filter);
    if (!match) throw new FilterError(filter, `cannot read ${JSON.stringify(filter.slice(at))}`);
    const [all, path = "", operator, value = "", comma] = match;
    const name = path.replaceAll(/"(?:[^"\\]|\\.)*"/g, unquoted);
    at += all.length;
    if (comma === "," && at === filter.length) {
      throw new FilterError(filter, "a condition is missing after the last comma");
    }
    conditions.push(compare(filter, fields, { name, operator, value: unquoted(value) }));
  }
  return (record) => conditions.every((holds) => holds(record));
}

function compare<T>(
  filter: string,
  fields: FilterFields<T>,
  { name, operator, value }: { readonly name: string; readonly operator: string | undefined; readonly value: string },
): (record: T) => boolean {
  const measure = own(fields.measures ?? {}, name);
  const holds = operator === undefined ? undefined : orders[operator];
  if (measure && holds) {
    const bound = measure.parse(value);
    if (bound === undefined) throw new FilterError(filter, `${JSON.stringify(value)} is no value of ${name}`);
    return (record) => {
      const number = measure.of(record);
      return number !== undefined && holds(number, bound);
    };
  }
  if (measure || holds) {
    const want = measure ? ">, >=, < or <=" : "==, != or ~=";
    throw new FilterError(filter, `${name} is compared by ${want}`);
  }
  const read = own(fields.texts, name);
  const field = (record: T): FilterText => read?.(record) ?? { text: "", isPresent: false };
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

const orders: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
};

function own<V>(table: Readonly<Record<string, V>>, name: string): V | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Go's spelling of flags for the whole expression, `(?i)`, is taken as well. */
function regularExpression(filter: string, text: string): RegExp {
  const [, flags = "", body = text] = /^\(\?([ims]+)\)(.*)$/s.exec(text) ?? [];
  try {
    return new RegExp(body, flags);
  } catch (cause) {
    throw new FilterError(filter, `${JSON.stringify(text)} is no regular expression`, { cause });
  }
}

function unquoted(value: string): string {
  const [first] = value;
  if (value.length < 2 || (first !== '"' && first !== "/" && first !== "|") || !value.endsWith(first)) return value;
  const inner = value.slice(1, -1);
  return first === '"' ? inner.replace(/\\(.)/g, "$1") : inner;
}
