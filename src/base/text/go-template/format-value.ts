const mark = Symbol("struct");

/** An object that Go has as a struct, which it prints as `{a b}`, in the order of its fields. */
export function goStruct<T extends object>(fields: T): T {
  return Object.defineProperty({ ...fields }, mark, { value: true, enumerable: false });
}

/** A value as Go's `%v` prints it: lists as `[a b]`, objects as `map[k:v]`, structs as `{a b}`, what is missing as `<no value>`. */
export function formatValue(value: unknown): string {
  if (value === undefined) return "<no value>";
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(formatValue).join(" ")}]`;
  if (typeof value === "object" && mark in value) return `{${Object.values(value).map(formatValue).join(" ")}}`;
  if (typeof value === "object") {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, entry]) => `${key}:${formatValue(entry)}`).join(" ")}]`;
  }
  return String(value as string | number | boolean);
}

/** What counts as true: everything but what is missing, zero or empty. */
export function isTruthy(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === "") return false;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object") return Object.keys(value).length > 0;
  return true;
}
