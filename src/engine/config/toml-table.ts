import { BuildError } from "../../base/errors/mod.ts";
import type { KeyLines } from "./toml-lines.ts";

/** What all tables of one file share. */
export interface TomlFile {
  /** For messages. */
  readonly name: string;
  readonly lines: KeyLines;
  /** What deserves a word but no failure; filled while the file is read. */
  readonly warnings: string[];
}

/**
 * One table of a TOML file, read key by key: each value is checked by the kind that is asked for, messages name file and line, and what
 * nobody has asked for can be told at the end.
 */
export class TomlTable {
  readonly #file: TomlFile;
  readonly #path: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #asked = new Set<string>();
  readonly #children: TomlTable[] = [];
  constructor(file: TomlFile, values: Readonly<Record<string, unknown>>, path: readonly string[] = []) {
    this.#file = file;
    this.#path = path;
    this.#values = values;
  }
  get keys(): readonly string[] {
    return Object.keys(this.#values);
  }
  string(key: string): string | undefined {
    return this.#read(key, "a string", (value) => (typeof value === "string" ? value : undefined));
  }
  bool(key: string): boolean | undefined {
    return this.#read(key, "true or false", (value) => (typeof value === "boolean" ? value : undefined));
  }
  /** A whole number that is not negative. */
  count(key: string): number | undefined {
    return this.#read(key, "a whole number", (value) =>
      typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined,
    );
  }
  integer(key: string): number | undefined {
    return this.#read(key, "a whole number", (value) =>
      typeof value === "number" && Number.isSafeInteger(value) ? value : undefined,
    );
  }
  strings(key: string): readonly string[] | undefined {
    return this.#read(key, "a list of strings", (value) =>
      Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined,
    );
  }
  /** A value of any kind but a table, as text: `false`, `overlayfs`. */
  scalar(key: string): string | undefined {
    return this.#read(key, "a single value", (value) =>
      ["string", "number", "boolean"].includes(typeof value) ? String(value) : undefined,
    );
  }
  /** A table below this one; an empty one when it is not there. */
  table(key: string): TomlTable {
    const values = this.#read(key, "a table", (value) => (isTable(value) ? value : undefined));
    return this.#child(values ?? {}, [key]);
  }
  /** A list of tables. */
  tables(key: string): readonly TomlTable[] {
    const list = this.#read(key, "a list of tables ([[…]])", (value) =>
      Array.isArray(value) && value.every(isTable) ? value : undefined,
    );
    return (list ?? []).map((values, at) => this.#child(values, [key, String(at)]));
  }
  /** What is below is none of this engine's business: nothing is said about it. */
  ignore(): void {
    for (const key of this.keys) this.#asked.add(key);
  }
  /** `key` holds a value that cannot be meant. */
  fail(key: string, why: string, options: ErrorOptions = {}): never {
    throw new BuildError("invalid_argument", `${this.#where(key)}: ${why}`, options);
  }
  warn(key: string, what: string): void {
    this.#file.warnings.push(`${this.#where(key)}: ${what}`);
  }
  /** Warns of every key that nobody has asked for, here and below. */
  warnOfUnread(): void {
    for (const key of this.keys.filter((key) => !this.#asked.has(key))) {
      this.warn(key, "not supported by this engine, so it has no effect");
    }
    for (const child of this.#children) child.warnOfUnread();
  }
  #child(values: Readonly<Record<string, unknown>>, path: readonly string[]): TomlTable {
    const child = new TomlTable(this.#file, values, [...this.#path, ...path]);
    this.#children.push(child);
    return child;
  }
  #read<T>(key: string, want: string, as: (value: unknown) => T | undefined): T | undefined {
    this.#asked.add(key);
    if (!Object.hasOwn(this.#values, key)) return undefined;
    const value = as(this.#values[key]);
    return value ?? this.fail(key, `want ${want}, got ${describe(this.#values[key])}`);
  }
  #where(key: string): string {
    const path = [...this.#path, key];
    const dotted = path.map((name) => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name))).join(".");
    return `${this.#file.name}:${this.#file.lines(path)}: ${dotted}`;
  }
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function describe(value: unknown): string {
  if (isTable(value)) return "a table";
  if (value instanceof Date) return "a date";
  return JSON.stringify(value).slice(0, 80);
}
