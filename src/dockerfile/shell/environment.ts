/** Variables as expansion sees them. */
export interface Environment {
  get(name: string): string | undefined;
}

/** No variable is set. */
export const emptyEnvironment: Environment = { get: () => undefined };

/** An ordered set of variables. Setting one again moves it to the end, as in BuildKit's graphs. */
export class EnvironmentList implements Environment {
  readonly #values: Map<string, string>;
  constructor(values: Iterable<readonly [string, string]> = []) {
    this.#values = new Map(values);
  }
  get(name: string): string | undefined {
    return this.#values.get(name);
  }
  set(name: string, value: string): void {
    this.#values.delete(name);
    this.#values.set(name, value);
  }
  delete(name: string): void {
    this.#values.delete(name);
  }
  names(): readonly string[] {
    return [...this.#values.keys()];
  }
  copy(): EnvironmentList {
    return new EnvironmentList(this.#values);
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
