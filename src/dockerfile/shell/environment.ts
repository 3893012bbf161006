/** Variables as expansion sees them. */
export interface Environment {
  get(name: string): string | undefined;
}

/** No variable is set. */
export const emptyEnvironment: Environment = { get: () => undefined };

/** An immutable, ordered set of variables. Setting one again moves it to the end, as in BuildKit's graphs. */
export class EnvironmentList implements Environment {
  readonly #values: ReadonlyMap<string, string>;
  constructor(values: Iterable<readonly [string, string]> = []) {
    this.#values = new Map(values);
  }
  /** From `KEY=value` texts; one without `=` is set to nothing. */
  static parse(list: readonly string[]): EnvironmentList {
    return new EnvironmentList(list.map(splitVariable));
  }
  get(name: string): string | undefined {
    return this.#values.get(name);
  }
  names(): readonly string[] {
    return [...this.#values.keys()];
  }
  with(name: string, value: string): EnvironmentList {
    const values = new Map(this.#values);
    values.delete(name);
    values.set(name, value);
    return new EnvironmentList(values);
  }
  /** As `KEY=value` texts, in order. */
  toArray(): string[] {
    return [...this.#values].map(([name, value]) => `${name}=${value}`);
  }
}

/** `KEY=value` in its two parts. */
export function splitVariable(text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
