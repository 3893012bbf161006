import { withSuggestion } from "../../base/text/suggest/mod.ts";
import type { Word } from "../parser/mod.ts";

/** What a flag takes. Every other use of a flag that is not `list` is an error. */
export type FlagKind = "string" | "boolean" | "list";

/** Flags of one instruction by name, without `--`; the ones not given are missing. */
export interface FlagValues {
  string(name: string): string | undefined;
  boolean(name: string): boolean | undefined;
  list(name: string): readonly string[];
}

/**
 * Reads the flags of an instruction that knows `known`.
 * @throws {Error} with BuildKit's words
 */
export function parseFlags(flags: readonly Word[], known: Readonly<Record<string, FlagKind>>): FlagValues {
  const values = new Map<string, string[]>();
  for (const { text } of flags) {
    if (!text.startsWith("--")) throw new Error(`arg should start with -- : ${text}`);
    const equals = text.indexOf("=");
    const flag = equals < 0 ? text : text.slice(0, equals);
    const value = equals < 0 ? undefined : text.slice(equals + 1);
    const name = flag.slice(2);
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) throw new Error(withSuggestion(`unknown flag: ${flag}`, name, Object.keys(known)));
    const given = values.get(name);
    if (given && kind !== "list") throw new Error(`duplicate flag specified: ${flag}`);
    values.set(name, [...(given ?? []), kind === "boolean" ? booleanText(flag, value) : requiredText(flag, value)]);
  }
  return {
    string: (name) => values.get(name)?.[0],
    boolean: (name) => (values.has(name) ? values.get(name)?.[0] === "true" : undefined),
    list: (name) => values.get(name) ?? [],
  };
}

function requiredText(flag: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`missing a value on flag: ${flag}`);
  return value;
}

function booleanText(flag: string, value: string | undefined): string {
  if (value === undefined) return "true";
  if (value === "") throw new Error(`missing a value on flag: ${flag}`);
  const lower = value.toLowerCase();
  if (lower !== "true" && lower !== "false") throw new Error(`expecting boolean value for flag ${flag}, not: ${value}`);
  return lower;
}
