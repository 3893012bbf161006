import { BuildError } from "../../base/errors/mod.ts";
import { parseGoBool } from "../../base/text/go-values/mod.ts";
import type { DriverKind } from "../driver.ts";

/** Driver options that are read one after the other; what is left at the end is unknown. */
export class DriverOptions {
  readonly #kind: DriverKind;
  readonly #left: Map<string, string>;
  constructor(kind: DriverKind, options: Readonly<Record<string, string>>) {
    this.#kind = kind;
    this.#left = new Map(Object.entries(options));
  }
  /** The option's value; `undefined` when it is not given or empty. */
  take(name: string): string | undefined {
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value === "" ? undefined : value;
  }
  /** @throws {BuildError} when the value is neither yes nor no */
  takeBool(name: string, preset: boolean): boolean {
    const value = this.take(name);
    if (value === undefined) return preset;
    return parseGoBool(value) ?? wrongValue(name, value, "true or false");
  }
  /** @throws {BuildError} when the value is no whole number */
  takeInteger(name: string): number | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    return /^[+-]?\d+$/.test(value) && Number.isSafeInteger(number)
      ? number
      : wrongValue(name, value, "a whole number");
  }
  /** Every option whose name begins with `prefix`, as name without it and value. */
  takeAll(prefix: string): readonly (readonly [string, string])[] {
    const found = [...this.#left].filter(([name]) => name.startsWith(prefix));
    for (const [name] of found) this.#left.delete(name);
    return found.map(([name, value]) => [name.slice(prefix.length), value] as const);
  }
  /** @throws {BuildError} naming the first option that nobody took */
  end(): void {
    const [unknown] = this.#left.keys();
    if (unknown === undefined) return;
    throw new BuildError("invalid_argument", `invalid driver option ${unknown} for ${this.#kind} driver`);
  }
}

/** @throws {BuildError} always */
export function wrongValue(name: string, value: string, want: string): never {
  throw new BuildError(
    "invalid_argument",
    `invalid value ${JSON.stringify(value)} of driver option ${name}: want ${want}`,
  );
}
