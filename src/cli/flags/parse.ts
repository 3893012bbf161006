import type { Flag, FlagTable, FlagValues } from "./flag.ts";
import { suggest } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";
import { ValueCollector } from "./values.ts";

/** A command line taken apart. */
export interface ParsedFlags<T extends FlagTable> {
  readonly values: FlagValues<T>;
  /** Names of the flags that were really written. */
  readonly given: ReadonlySet<string>;
  /** What is no flag, in order. */
  readonly args: readonly string[];
}

/**
 * Parses `argv` as pflag does: `--flag value`, `--flag=value`, `-f value`, `-fvalue`, `-f=value`, `-qf value`, bools by themselves or with
 * `=false`, flags and arguments in any order, everything after `--` an argument.
 * @param options.flagsFirst everything after the first argument is an argument too
 * @throws {UsageError} with pflag's words
 */
export function parseFlags<const T extends FlagTable>(
  table: T,
  argv: readonly string[],
  options: { readonly flagsFirst?: boolean } = {},
): ParsedFlags<T> {
  const collector = new ValueCollector(table);
  const args: string[] = [];
  const rest = [...argv];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") {
      args.push(...rest);
      break;
    }
    if (arg.startsWith("--")) long(table, collector, arg, rest);
    else if (arg.startsWith("-") && arg !== "-") shorthands(table, collector, arg, rest);
    else args.push(arg, ...(options.flagsFirst ? rest.splice(0) : []));
  }
  return { values: collector.values<T>(), given: collector.given, args };
}

/** Whether `arg` is a flag that takes the argument after it as its value. Unknown flags take none. */
export function takesNext(table: FlagTable, arg: string): boolean {
  if (arg.startsWith("--")) {
    const flag = table[arg.slice(2)];
    return flag !== undefined && flag.kind !== "bool";
  }
  for (let at = 1; at < arg.length; at++) {
    const found = byShort(table, arg[at] as string);
    if (!found || arg[at + 1] === "=") return false;
    if (found[1].kind !== "bool") return at === arg.length - 1;
  }
  return false;
}

function long(table: FlagTable, collector: ValueCollector, arg: string, rest: string[]): void {
  const equals = arg.indexOf("=");
  const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  if (name === "" || name.startsWith("-")) throw new UsageError(`bad flag syntax: ${arg}`);
  const flag = Object.hasOwn(table, name) ? table[name] : undefined;
  if (!flag) throw new UsageError(`unknown flag: --${name}${didYouMean(table, name)}`);
  if (equals >= 0) return set(collector, name, flag, arg.slice(equals + 1));
  if (flag.kind === "bool") return set(collector, name, flag, "true");
  const next = rest.shift();
  if (next === undefined) throw new UsageError(`flag needs an argument: --${name}`);
  set(collector, name, flag, next);
}

function shorthands(table: FlagTable, collector: ValueCollector, arg: string, rest: string[]): void {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at] as string;
    const found = byShort(table, letter);
    if (!found) throw new UsageError(`unknown shorthand flag: '${letter}' in ${arg}`);
    const [name, flag] = found;
    if (arg[at + 1] === "=") return set(collector, name, flag, arg.slice(at + 2));
    if (flag.kind === "bool") {
      set(collector, name, flag, "true");
      continue;
    }
    const value = at + 1 < arg.length ? arg.slice(at + 1) : rest.shift();
    if (value === undefined) throw new UsageError(`flag needs an argument: '${letter}' in ${arg}`);
    return set(collector, name, flag, value);
  }
}

function byShort(table: FlagTable, letter: string): [string, Flag] | undefined {
  return Object.entries(table).find(([, flag]) => flag.short === letter);
}

function set(collector: ValueCollector, name: string, flag: Flag, text: string): void {
  try {
    collector.add(name, flag, text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function didYouMean(table: FlagTable, typed: string): string {
  const visible = Object.entries(table).filter(([, flag]) => !flag.hidden);
  const names = suggest(
    typed,
    visible.map(([name]) => name),
  );
  return names.length === 0 ? "" : `\nDid you mean ${names.map((name) => `--${name}`).join(" or ")}?`;
}
