/** Fields of an object that came from outside, read one by one; what nobody has read is an error in the end. */
export class Fields {
  readonly #what: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #read = new Set<string>();

  /** @param what for messages @throws {Error} when the value is no object */
  constructor(value: unknown, what: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${what}: want an object`);
    this.#values = value as Record<string, unknown>;
    this.#what = what;
  }

  string(key: string): string | undefined {
    return this.#as(key, "a string", (value) => (typeof value === "string" ? value : undefined));
  }

  /** One that must not be empty. */
  name(key: string): string {
    return this.string(key) || this.fail(key, "must not be empty");
  }

  count(key: string): number | undefined {
    return this.#as(key, "a whole number", (value) =>
      typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined,
    );
  }

  strings(key: string): readonly string[] | undefined {
    return this.#as(key, "a list of strings", (value) =>
      Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined,
    );
  }

  counts(key: string): readonly number[] | undefined {
    return this.#as(key, "a list of whole numbers", (value) =>
      Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0) ? value : undefined,
    );
  }

  /** Words by words. */
  table(key: string): Readonly<Record<string, string>> {
    const table = this.object(key) ?? {};
    for (const [name, value] of Object.entries(table)) {
      if (typeof value !== "string") this.fail(`${key}.${name}`, "want a string");
    }
    return table as Record<string, string>;
  }

  object(key: string): Readonly<Record<string, unknown>> | undefined {
    return this.#as(key, "an object", (value) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? (value as Record<string, unknown>)
        : undefined,
    );
  }

  /** Each item of a list of objects; none when it is missing. */
  each<T>(key: string, decode: (fields: Fields) => T): readonly T[] {
    const list = this.#as(key, "a list", (value) => (Array.isArray(value) ? (value as unknown[]) : undefined)) ?? [];
    return list.map((item, at) => {
      const fields = new Fields(item, `${this.#what}.${key}[${at}]`);
      const decoded = decode(fields);
      fields.end();
      return decoded;
    });
  }

  fail(key: string, why: string): never {
    throw new Error(`${this.#what}.${key}: ${why}`);
  }

  /** @throws {Error} when there is a field that nobody has asked for */
  end(): void {
    const unknown = Object.keys(this.#values).find((key) => !this.#read.has(key));
    if (unknown !== undefined) this.fail(unknown, "unknown field");
  }

  #as<T>(key: string, want: string, as: (value: unknown) => T | undefined): T | undefined {
    this.#read.add(key);
    const value = this.#values[key];
    if (value === undefined || value === null) return undefined;
    return as(value) ?? this.fail(key, `want ${want}`);
  }
}
