import { BuildError } from "../base/errors/mod.ts";

/**
 * A JSON object from outside, read field by field. Every read checks the type and names the field when it is wrong. `null` counts as
 * absent, since Go's encoders write it for empty lists and maps.
 */
export class Fields {
  /** For messages: what is being read, for instance `manifest.config`. */
  readonly where: string;
  readonly #values: Readonly<Record<string, unknown>>;
  constructor(value: unknown, where: string) {
    this.where = where;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.#wrong("", "an object", value);
    this.#values = value as Record<string, unknown>;
  }
  /** The names that are there, in order. */
  get names(): readonly string[] {
    return Object.keys(this.#values);
  }
  /** The value as it came; `undefined` when absent. */
  raw(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }
  string(name: string): string {
    return this.optionalString(name) ?? this.#missing(name, "a string");
  }
  optionalString(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === "string") return value;
    throw this.#wrong(name, "a string", value);
  }
  optionalBoolean(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.#wrong(name, "a boolean", value);
  }
  /** A whole number that is exact and not negative. */
  size(name: string): number {
    return this.optionalSize(name) ?? this.#missing(name, "a number");
  }
  optionalSize(name: string): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw this.#wrong(name, "a whole number, not negative", value);
  }
  optionalList<T>(name: string, decode: (item: unknown, where: string) => T): readonly T[] | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw this.#wrong(name, "a list", value);
    return value.map((item: unknown, i) => decode(item, `${this.#path(name)}[${i}]`));
  }
  optionalStrings(name: string): readonly string[] | undefined {
    return this.optionalList(name, (item, where) => {
      if (typeof item !== "string") throw wrong(where, "a string", item);
      return item;
    });
  }
  /** An object whose values are strings. */
  optionalStringMap(name: string): Readonly<Record<string, string>> | undefined {
    return this.optionalMap(name, (item, where) => {
      if (typeof item !== "string") throw wrong(where, "a string", item);
      return item;
    });
  }
  optionalMap<T>(name: string, decode: (item: unknown, where: string) => T): Readonly<Record<string, T>> | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const fields = new Fields(value, this.#path(name));
    // fromEntries defines own properties, so a key "__proto__" stays a key.
    return Object.fromEntries(
      fields.names.map((key) => [key, decode(fields.raw(key) ?? undefined, `${fields.where}[${JSON.stringify(key)}]`)]),
    );
  }
  /** Decodes a nested object, when there is one. */
  optionalObject<T>(name: string, decode: (value: unknown, where: string) => T): T | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : decode(value, this.#path(name));
  }
  #path(name: string): string {
    return name === "" ? this.where : `${this.where}.${name}`;
  }
  #wrong(name: string, want: string, got: unknown): BuildError {
    return wrong(this.#path(name), want, got);
  }
  #missing(name: string, want: string): never {
    throw new BuildError("invalid_argument", `Cannot decode ${this.#path(name)}: missing, want ${want}`);
  }
}

/** The error for a field of the wrong type. */
export function wrong(where: string, want: string, got: unknown): BuildError {
  const text = JSON.stringify(got) ?? String(got);
  return new BuildError(
    "invalid_argument",
    `Cannot decode ${where}: want ${want}, got ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`,
  );
}

/** Bytes as JSON, bounded. `what` names it in messages. */
export function parseJson(bytes: Uint8Array, what: string, limitBytes: number): unknown {
  if (bytes.byteLength > limitBytes) {
    throw new BuildError(
      "resource_exhausted",
      `Cannot decode ${what}: ${bytes.byteLength} bytes, more than the limit of ${limitBytes}`,
    );
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new BuildError("invalid_argument", `Cannot decode ${what}: not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** `{ [name]: value }`, or nothing when `value` is undefined: for optional properties that must not be set to `undefined`. */
export function optional<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: V };
}
