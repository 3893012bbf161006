import { formatValue, isTruthy } from "./format-value.ts";

/** Something that a template calls by name. */
export type TemplateFunction = (...args: readonly unknown[]) => unknown;

/** The functions of every template: Go's own, and those that Docker's tools add. */
export const standardFunctions: Readonly<Record<string, TemplateFunction>> = {
  and: (...args) => args.find((value) => !isTruthy(value)) ?? args.at(-1),
  or: (...args) => args.find(isTruthy) ?? args.at(-1),
  not: (value) => !isTruthy(value),
  len: (value) => {
    if (typeof value === "string") return Buffer.byteLength(value);
    if (Array.isArray(value)) return value.length;
    if (typeof value === "object" && value !== null) return Object.keys(value).length;
    throw new Error(`error calling len: len of ${formatValue(value)}`);
  },
  index: (value, ...keys) => keys.reduce(pick, value),
  eq: (first, ...others) => others.some((other) => first === other),
  ne: (a, b) => a !== b,
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  print: (...args) => args.map(formatValue).join(""),
  println: (...args) => `${args.map(formatValue).join(" ")}\n`,
  printf: (format, ...args) => printf(String(format), args),
  json: (value) => JSON.stringify(value ?? null),
  join: (list, separator) => (Array.isArray(list) ? list.map(formatValue).join(String(separator)) : formatValue(list)),
  split: (text, separator) => String(text).split(String(separator)),
  lower: (text) => String(text).toLowerCase(),
  upper: (text) => String(text).toUpperCase(),
  title: (text) => String(text).replace(/^./, (letter) => letter.toUpperCase()),
};

function pick(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const at = Number(key);
    if (!Number.isInteger(at) || at < 0 || at >= value.length)
      throw new Error(`error calling index: index out of range: ${formatValue(key)}`);
    return value[at];
  }
  if (typeof value === "object" && value !== null) {
    return Object.hasOwn(value, String(key)) ? (value as Record<string, unknown>)[String(key)] : undefined;
  }
  throw new Error("error calling index: index of untyped nil");
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  throw new Error("incompatible types for comparison");
}

function printf(format: string, args: readonly unknown[]): string {
  let next = 0;
  return format.replaceAll(/%(-?\d*)([vsdqt%])/g, (_, width: string, verb: string) => {
    if (verb === "%") return "%";
    if (next >= args.length) return `%!${verb}(MISSING)`;
    const value = args[next++];
    const text = verb === "q" ? JSON.stringify(formatValue(value)) : formatValue(value);
    return width.startsWith("-") ? text.padEnd(Number(width.slice(1))) : text.padStart(Number(width));
  });
}
