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
    return this.takeRaw(name) || undefined;
  }
  /** The option's value, which may be empty; `undefined` when it is not given. */
  takeRaw(name: string): string | undefined {
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }
  /** @throws {BuildError} when the value is neither yes nor no */
  takeBool(name: string, preset: boolean): boolean {
    const value = this.takeRaw(name);
    if (value === undefined) return preset;
    const syntax = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
    return parseGoBool(value) ?? wrongValue(name, value, "true or false", syntax);
  }
  /** @param reader what docker buildx reads it with @throws {BuildError} when the value is no whole number */
  takeInteger(name: string, reader: "ParseInt" | "Atoi" = "ParseInt"): number | undefined {
    const value = this.takeRaw(name);
    if (value === undefined) return undefined;
    const number = /^[+-]?\d+$/.test(value) ? Number(value) : undefined;
    if (Number.isSafeInteger(number)) return number;
    const why = number === undefined ? "invalid syntax" : "value out of range";
    return wrongValue(name, value, "a whole number", `strconv.${reader}: parsing ${JSON.stringify(value)}: ${why}`);
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
    // the one driver whose words in buildx stand in another order
    const driver = this.#kind === "kubernetes" ? "driver kubernetes" : `${this.#kind} driver`;
    throw new BuildError("invalid_argument", `invalid driver option ${unknown} for ${driver}`);
  }
}

/**
 * Refuses an option's value.
 * @param said what docker buildx says of such a value, for those who search for it
 * @throws {BuildError} always
 */
export function wrongValue(name: string, value: string, want: string, said = ""): never {
  const words = said === "" ? "" : `${said}: `;
  throw new BuildError(
    "invalid_argument",
    `invalid value ${JSON.stringify(value)} of driver option ${name}: ${words}want ${want}`,
  );
}
